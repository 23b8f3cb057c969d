// Before anything is drawn: the colours that were chosen last time, so that the page does not flash.
(() => {
  try {
    const theme = localStorage.getItem("theme");
    if (theme) document.documentElement.dataset.theme = theme;
  } catch {
    // no storage: the system's colours
  }
})();
