import functools
import http.server
import json
import threading

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from escalation import project
from escalation.corpora.catalogue import CorpusSpec, catalogue, ensure, fetch, status
from escalation.errors import ConfigError, CorpusError, InputError

FOLDER = project.checkout() / "configs" / "corpus"
NAMES = [
    "authored", "plv", "aw", "cameo", "unscon", "unscon_sentences", "muc4", "india_police_docs", "india_police_sents",
    "bbc", "plover_gsr",
]  # fmt: skip


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve tmp_path; give its host and the list of paths asked for."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format, *arguments):
            asked.append(self.path)

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(tmp_path)))
    threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
    yield f"127.0.0.1:{listening.server_port}", asked
    listening.shutdown()
    listening.server_close()


@pytest.fixture
def web(server, published, tmp_path):
    """Publish a corpus at an address that answers; give its spec, its folder on the server, and the paths asked for."""
    host, asked = server
    spec = published(host, "http", train="a\t1\n", test="b\t2\n")
    (tmp_path / "data").symlink_to(tmp_path / host / "data")
    return spec, tmp_path / "data", asked


def everything(folder):
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


# --- the specs


def test_the_catalogue_holds_every_corpus():
    specs = catalogue(FOLDER)
    assert {spec.name for spec in specs} >= set(NAMES)
    assert specs[0].path


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_survives_plain_data(name):
    spec = CorpusSpec.load(name, FOLDER)
    assert CorpusSpec.from_mapping(json.loads(json.dumps(spec.to_mapping()))) == spec
    assert (FOLDER / f"{name}.yaml").read_text().startswith(f"# @package corpora.{name}\n")
    assert spec.licence
    assert spec.citation
    assert "\n" not in spec.description


def test_hydra_puts_corpora_beside_each_other():
    with initialize_config_dir(version_base="1.3", config_dir=str(FOLDER.parent)):
        config = compose("train", overrides=["corpus=[plv,cameo]"])
    found = OmegaConf.to_container(config.corpora)
    assert list(found) == ["plv", "cameo"]
    assert CorpusSpec.from_mapping(found["plv"]) == CorpusSpec.load("plv", FOLDER)


def test_every_file_of_the_mirror_list_is_in_the_catalogue(mirror):
    listed = json.loads((mirror.parent / "MIRROR.json").read_text())
    keys = ("url", "sha256", "bytes", "licence", "citation")
    here = {
        (one.url, one.sha256, one.bytes, spec.licence, spec.citation)
        for spec in catalogue(FOLDER)
        for one in spec.files
    }
    assert len(listed) > 20
    assert {tuple(entry[key] for key in keys) for entry in listed} <= here


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"labls": {}}, "unknown field labls"),
        ({"reader": None}, "reader missing"),
        ({"relational": "yes"}, "relational is 'yes', must be true or false"),
        ({"labels": {"ladder": 3}}, "labels is"),
        ({"labels": {}}, "labels is"),
        ({"label_map": {"polarity": {"0": 1}}}, "label_map.polarity is"),
        ({"path": None}, "either `path`"),
        ({"files": [{"url": "https://a.org/b", "sha256": "0" * 64, "bytes": 1, "split": "all"}]}, "either `path`"),
        ({"path": None, "files": [{"url": "https://a.org/b"}]}, "files[0]: sha256, bytes, split missing"),
        ({"path": None, "files": ["https://a.org/b"]}, "files[0] must be a mapping"),
        (
            {"path": None, "files": [{"url": "https://a.org/b", "sha256": "0" * 64, "bytes": True, "split": "all"}]},
            "bytes is True, must be a whole number",
        ),
        (
            {"path": None, "files": [{"url": "ftp://a.org/b", "sha256": "0" * 64, "bytes": 1, "split": "all"}]},
            "must be http(s)://",
        ),
        (
            {"path": None, "files": [{"url": "https://a.org/b", "sha256": "0", "bytes": 1, "split": "all"}]},
            "sha256 of b must be 64 digits",
        ),
        ({"splits": ["training"]}, "must be one of train, dev, test, all"),
        ({"name": "../mine"}, "name must be made of"),
    ],
)
def test_a_wrong_field_is_named(change, said):
    mapping = {"name": "mine", "description": "", "reader": "r", "labels": {"ladder": "x"}, "path": "mine.csv"}
    with pytest.raises(ConfigError) as raised:
        CorpusSpec.from_mapping(mapping | change)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_bare_numbers_in_a_label_map_are_values():
    mapping = {"name": "mine", "description": "", "reader": "r", "labels": {"polarity": "x"}, "path": "mine.csv"}
    spec = CorpusSpec.from_mapping(mapping | yaml.safe_load("label_map: {polarity: {0: cooperation, 1: conflict}}"))
    assert spec.label_map == {"polarity": {"0": "cooperation", "1": "conflict"}}


def test_an_unknown_name_lists_those_that_there_are():
    with pytest.raises(ConfigError, match=r"no corpus 'pvl': choose one of authored, aw, .*plv"):
        CorpusSpec.load("pvl", FOLDER)


@pytest.mark.parametrize("content", ["a: [", "- a", "name: other\ndescription: d\nreader: r\nlabels: {a: b}\npath: p"])
def test_a_spec_file_that_is_no_spec(tmp_path, content):
    (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(ConfigError, match=r"mine\.yaml"):
        CorpusSpec.load("mine", tmp_path)


# --- local files


def test_a_path_is_a_file_a_folder_or_a_glob(local, tmp_path):
    for name in ("a.jsonl", "b.jsonl", "c.csv"):
        (tmp_path / name).write_text("")
    cases = {"c.csv": ["c.csv"], "": ["a.jsonl", "b.jsonl"], "*.?s*": ["a.jsonl", "b.jsonl", "c.csv"]}
    for path, names in cases.items():
        spec = local("", name="other.txt", path=str(tmp_path / path))
        assert [found.name for found in ensure(spec)] == names
        assert fetch(spec) == ensure(spec)
        assert status(spec)["state"] == "here"


def test_a_path_with_nothing_there(local, tmp_path):
    spec = local("", path=str(tmp_path / "nothing" / "*.csv"))
    assert status(spec)["state"] == "missing"
    with pytest.raises(CorpusError, match="corpus mine: nothing at"):
        ensure(spec)


# --- fetching


def test_fetching_from_the_web_and_again(web):
    spec, _, asked = web
    paths = fetch(spec)
    assert [path.read_text() for path in paths] == ["a\t1\n", "b\t2\n"]
    assert paths == [spec.folder / "train.tsv", spec.folder / "test.tsv"]
    assert len(asked) == 2
    assert fetch(spec) == paths
    assert len(asked) == 2  # what is here and right is not asked for again
    assert ensure(spec) == paths[:1]


def test_an_altered_file_is_refused_and_replaced(web):
    spec, _, asked = web
    (path, _) = fetch(spec)
    path.write_text("a\t2\n")
    assert status(spec)["state"] == "altered: train.tsv"
    with pytest.raises(CorpusError, match=r"train\.tsv is cut short or altered.*escalation fetch public"):
        ensure(spec)
    fetch(spec)
    assert path.read_text() == "a\t1\n"
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("content", "got"),
    [("a\t2\n", "got 4 bytes with sha256"), ("a", "got 1 bytes"), ("a\t1\n" * 9, "got more than 4 bytes")],
)
def test_what_is_not_the_published_file_is_not_kept(web, home, content, got):
    spec, folder, _ = web
    (folder / "train.tsv").write_text(content)
    with pytest.raises(CorpusError, match="expected 4 bytes with sha256") as raised:
        fetch(spec)
    assert got in str(raised.value)
    assert [name for name in everything(home) if "train" in name or "part" in name] == []


def test_a_bad_download_leaves_the_file_before_it(web):
    spec, folder, _ = web
    (path, _) = fetch(spec)
    path.write_text("mine")
    (folder / "train.tsv").write_text("theirs")
    with pytest.raises(CorpusError):
        fetch(spec)
    assert everything(spec.folder) == ["test.tsv", "train.tsv"]
    assert path.read_text() == "mine"


def test_an_address_that_does_not_answer(web, published, home):
    spec, folder, _ = web
    (folder / "train.tsv").unlink()
    with pytest.raises(CorpusError, match=r"train\.tsv answers 404") as raised:
        fetch(spec)
    assert "\n" not in str(raised.value)
    dead = published("127.0.0.1:9", "http", train="a\t1\n")
    with pytest.raises(CorpusError, match=r"does not answer \(.*refused.*--mirror DIR"):
        fetch(dead)
    assert [name for name in everything(home) if "train" in name] == []


def test_a_home_that_cannot_be_written(published, tmp_path, home):
    home.mkdir()
    (home / "data").write_text("in the way")
    with pytest.raises(InputError, match="cannot write"):
        fetch(published(train="a\t1\n"), tmp_path)


def test_fetching_from_a_mirror(published, tmp_path, capsys):
    spec = published(train="a\t1\n", dev="b\t1\n", test="c\t1\n")
    (tmp_path / "example.org" / "data" / "test.tsv").unlink()
    told = []
    assert [path.name for path in fetch(spec, tmp_path, report=told.append)] == ["train.tsv", "dev.tsv"]
    assert told == ["public: test.tsv (test) is not in the mirror: skipped"]
    assert status(spec)["state"] == "missing: test.tsv"
    fetch(spec, tmp_path)
    assert capsys.readouterr().err.count("skipped") == 1


def test_a_mirror_that_lacks_a_training_file(published, tmp_path, home):
    spec = published(train="a\t1\n", test="c\t1\n")
    (tmp_path / "example.org" / "data" / "train.tsv").unlink()
    with pytest.raises(CorpusError, match=r"the mirror lacks .*train\.tsv"):
        fetch(spec, tmp_path)
    assert everything(home) == []
    with pytest.raises(ConfigError, match="no mirror folder"):
        fetch(spec, tmp_path / "nowhere")


def test_ensure_takes_what_training_reads_from_the_mirror_that_is_known(published, tmp_path, monkeypatch):
    spec = published(train="a\t1\n", test="c\t1\n")
    assert status(spec)["state"] == "missing"
    with pytest.raises(CorpusError, match=r"escalation fetch public \[--mirror DIR\]"):
        ensure(spec)
    monkeypatch.setenv("ESCALATION_MIRROR", str(tmp_path))
    assert [path.name for path in ensure(spec)] == ["train.tsv"]
    assert everything(spec.folder) == ["train.tsv"]


def test_a_corpus_without_anything_for_training(published):
    with pytest.raises(CorpusError, match="nothing for training: its splits are test"):
        ensure(published(test="a\t1\n"))


def test_status_is_text_to_print():
    for spec in catalogue(FOLDER):
        row = status(spec)
        assert list(row) == ["name", "state", "labels", "licence", "description"]
        assert all(isinstance(value, str) for value in row.values())
        assert row["name"] == spec.name
        assert set(spec.labels) == set(row["labels"].split(", "))
