"""Two runs side by side, as a terminal and a web page show them. Knows plain data only."""
