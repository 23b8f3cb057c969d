"""From a Hydra configuration to objects: the one module of the package that knows OmegaConf and Hydra."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from escalation import annotations, project
from escalation.codebook import Codebook, chain
from escalation.corpora.catalogue import CorpusSpec
from escalation.corpora.corpus import Corpus, load, load_several
from escalation.errors import ConfigError, EscalationError
from escalation.settings import Settings

FAILURES = (EscalationError, HydraException, OmegaConfBaseException, YAMLError)
LAUNCHERS = {
    "joblib": "search",
    "submitit_local": "cluster",
    "submitit_slurm": "cluster",
}  # by the extra that brings them
UNNAMED = ("experiment", "hparams_search", "seed", "report", "export", "register", "alias", "resamples", "tests")


def settings(config: DictConfig, experiment: str | None = None, overrides: Sequence[str] = ()) -> Settings:
    """The training's settings, types checked.

    Parameters
    ----------
    config : DictConfig
    experiment : str
        The experiment chosen, which names the run where `name` does not.
    overrides : list of str
        What was changed on the command line: the name says it too, unless runs of one name may differ in it.
    """
    for name in ("heads", "tests", "unlabelled"):
        if not OmegaConf.is_list(config[name]):
            raise ConfigError(f"{name} is {config[name]!r}: it must be a list of names, [] for none")
    names = [field.name for field in fields(Settings)]
    found = OmegaConf.merge(OmegaConf.structured(Settings), {name: config[name] for name in names})
    result: Settings = OmegaConf.to_object(found)  # type: ignore[assignment]  # a structured config gives its class
    if result.name is None and experiment:
        changed = [one for one in overrides if one.lstrip("+~").partition("=")[0] not in UNNAMED]
        result = replace(result, name=" ".join([experiment, *changed]))
    result.check()
    return result


def model(config: DictConfig) -> Any:
    """The classifier that `model` names by `_target_`, not fitted.

    Raises
    ------
    ConfigError
        A class that is not there, or an argument that it does not take.
    """
    from hydra.utils import instantiate

    try:
        return instantiate(config.model, _convert_="all")
    except HydraException as error:
        cause = error.__cause__ or error
        raise ConfigError(
            f"cannot build the model: {one_line(cause)}; see configs/features and configs/classifier"
        ) from error


def codebooks(config: DictConfig) -> list[list[Codebook]]:
    """The codebook of the run with those above it, and the same for each further head."""
    own = chain(Codebook.from_mapping(_plain(config.codebook)), project.codebooks())
    further = [chain(Codebook.load(str(name), project.codebooks()), project.codebooks()) for name in config.heads]
    names = [book.name for one in (own, *further) for book in one]
    if len(set(names)) < len(names):
        raise ConfigError(
            f"heads is {list(config.heads)}: a codebook is answered twice; name others than {own[0].name}"
        )
    return [own, *further]


def corpora(config: DictConfig, chains: Sequence[Sequence[Codebook]], heads: bool) -> list[Corpus]:
    """Every corpus named, read under the codebooks; for a model with heads also under those above, which teach it too."""
    specs = [CorpusSpec.from_mapping(_plain(spec)) for spec in config.corpora.values()]
    if heads:
        return [load_several(spec, chains, project.codebooks()) for spec in specs]
    return [load(spec, chains[0][0], project.codebooks()) for spec in specs]


def tests(config: DictConfig, codebook: Codebook) -> list[Corpus]:
    """The corpora that `tests` names, read under the codebook."""
    folder = project.checkout() / "configs" / "corpus"
    return [load(CorpusSpec.load(str(name), folder), codebook, project.codebooks()) for name in config.tests]


def unlabelled(config: DictConfig, tests: Sequence[Corpus]) -> list[str]:
    """Sentences of the corpora that `unlabelled` names, without those of the tests."""
    folder = project.checkout() / "configs" / "corpus"
    specs = [CorpusSpec.load(str(name), folder) for name in config.unlabelled]
    return annotations.unlabelled(specs, tests, config.unlabelled_rows, config.seed)


def parameters(config: DictConfig, choices: Mapping[str, Any]) -> dict[str, Any]:
    """What a run is known by: the choice of each group, the settings, and every argument of the model, flat."""
    parts = ("features", "classifier") if choices["model"] == "pipeline" else ()
    chosen = {key: choices[key] for key in ("codebook", "model", *parts)}
    chosen["heads"] = "+".join([choices["codebook"], *map(str, config.heads)])
    own = {
        field.name: config[field.name]
        for field in fields(Settings)
        if field.name not in ("report", "export", "register", "alias", "weights")
    }
    corpora = "+".join(str(name) for name in config.corpora)
    groups = (*(parts or ["model"]), "weights")
    arguments = {key: value for group in groups for key, value in _flat(_plain(config[group]), group).items()}
    return {**chosen, "corpora": corpora, **own, **arguments}


def one_line(error: BaseException) -> str:
    """What is wrong and what is valid, without Hydra's search path and OmegaConf's types."""
    text = (
        str(error)
        .split("\nConfig search path:")[0]
        .split("\n    full_key:")[0]
        .split("\nSet the environment variable")[0]
    )
    if text.startswith("Could not override"):
        text += " if it is an argument of the class; the keys are in configs/train.yaml and in the file of each choice"
    for launcher, extra in LAUNCHERS.items():
        if f"'hydra/launcher/{launcher}'" in text:
            text = f"hydra/launcher={launcher} is not installed: pip install -e '.[{extra}]'"
    key = getattr(error, "full_key", None)
    return " ".join(f"{key}: {text}".split() if key else text.split())


def _plain(node: Any) -> dict[str, Any]:
    return OmegaConf.to_container(node, resolve=True)  # type: ignore[return-value]  # a mapping node gives a dict


def _flat(value: Any, prefix: str) -> dict[str, Any]:
    """Nested arguments as `a.b.c`; a list of (name, part) pairs, as scikit-learn has them, by the names."""
    if isinstance(value, dict) and "_args_" not in value:
        items = [(key, one) for key, one in value.items() if key != "_convert_"]
    elif isinstance(value, list) and value and all(isinstance(one, list) and len(one) == 2 for one in value):
        items = [(name, one) for name, one in value]
    else:
        return {prefix: value["_args_"][0] if isinstance(value, dict) else value}
    flat: dict[str, Any] = {}
    for key, one in items:
        name = prefix if key == "transformer_list" else f"{prefix}.{key}"
        flat |= {f"{prefix}.class": str(one).rpartition(".")[2]} if key == "_target_" else _flat(one, name)
    return flat
