import json

import pandas as pd
import pytest

from escalation import project
from escalation.corpora import readers
from escalation.corpora.catalogue import CorpusSpec, fetch
from escalation.corpora.corpus import read
from escalation.errors import CorpusError

FOLDER = project.checkout() / "configs" / "corpus"
ROWS = [
    {"text": "Talks “began” in Paris.", "label": "none", "n": 1},
    {"text": "Guns, then\nsilence", "label": "x", "n": 2},
]


@pytest.fixture
def write(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def records(frame):
    return frame.to_dict("records")


# --- table


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet"])
def test_a_table_by_its_extension(tmp_path, kind):
    path, frame = tmp_path / f"mine.{kind}", pd.DataFrame(ROWS)
    if kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif kind == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="," if kind == "csv" else "\t")
    found = readers.table(path, ["label", "n"])
    assert list(found.columns) == ["id", "text", "document", "date", "label", "n"]
    assert records(found) == [
        {"id": str(k + 1), "text": row["text"], "document": "", "date": "", "label": row["label"], "n": str(row["n"])}
        for k, row in enumerate(ROWS)
    ]


def test_named_columns(write):
    path = write("mine.csv", "key,day,set,story,s,y\nk1,2022-02-21,ace,7, Guns ,a\nk2,,,,Talks,b\n")
    found = readers.table(path, ["y"], text="s", id="key", document=["set", "story"], date="day")
    assert records(found) == [
        {"id": "k1", "text": "Guns", "document": "ace:7", "date": "2022-02-21", "y": "a"},
        {"id": "k2", "text": "Talks", "document": "", "date": "", "y": "b"},
    ]


def test_neighbours_are_told_by_position(write):
    rows = [
        ("s", 1, "Talks."),
        ("s", 0, "Guns."),
        ("s", 3, "Calm."),
        ("t", 2, "Rain."),
        ("s", "", "Alone."),
        ("", 2, "Sun."),
    ]
    path = write("a.csv", "story,place,text\n" + "".join(f"{','.join(map(str, row))}\n" for row in rows))
    found = readers.table(path, [], document="story", position="place").set_index("text")
    assert found["before"].to_dict() == {"Talks.": "Guns."} | dict.fromkeys(
        ["Guns.", "Calm.", "Rain.", "Alone.", "Sun."], ""
    )
    assert found["after"].to_dict() == {"Guns.": "Talks."} | dict.fromkeys(
        ["Talks.", "Calm.", "Rain.", "Alone.", "Sun."], ""
    )
    with pytest.raises(CorpusError, match=r"row 1: the position '1st' must be a whole number from 0, or empty"):
        readers.table(write("b.csv", "story,place,text\ns,1st,Guns.\n"), [], document="story", position="place")


def test_a_headerless_unquoted_file(write):
    found = readers.table(
        write("a.tsv", 'He said "no\t3\r\n\n"Yes"\t1\r\n'), ["code"], names=["text", "code"], quoted=False
    )
    assert found[["id", "text", "code"]].values.tolist() == [["1", 'He said "no', "3"], ["2", '"Yes"', "1"]]


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_columns_by_position_mean_no_header(write, kind):
    mark = "," if kind == "csv" else "\t"
    path = write(f"a.{kind}", f"Guns{mark}3\nTalks{mark}1\n")
    found = readers.table(path, ["1"], text="0")
    assert found[["id", "text", "1"]].values.tolist() == [["1", "Guns", "3"], ["2", "Talks", "1"]]
    with pytest.raises(CorpusError, match="no column 2; there are 0, 1"):
        readers.table(path, ["2"], text="0")


def test_numbers_that_are_column_names_are_names(write):
    found = readers.table(write("a.csv", "1,0\n3,Guns\n"), ["1"], text="0")
    assert found[["text", "1"]].values.tolist() == [["Guns", "3"]]


def test_a_column_id_is_the_id(write, tmp_path):
    (tmp_path / "b.parquet").write_bytes(b"")
    pd.DataFrame({"id": [7, 8], "text": ["a", "b"], "label": ["x", "y"]}).to_parquet(tmp_path / "b.parquet")
    paths = [
        write("a.csv", "id,text,label\n7,a,x\n8,b,y\n"),
        write("a.jsonl", '{"id": 7, "text": "a", "label": "x"}\n{"id": 8, "text": "b", "label": "y"}\n'),
        tmp_path / "b.parquet",
    ]
    for path in paths:
        found = readers.table(path, ["label"])
        assert list(found.columns) == ["id", "text", "document", "date", "label"]
        assert found["id"].tolist() == ["7", "8"]
        assert readers.table(path, ["label"], document="id")["id"].tolist() == ["1", "2"]
    with pytest.raises(CorpusError, match="line 2: no column id"):
        readers.table(
            write("c.jsonl", '{"id": 7, "text": "a", "label": "x"}\n{"text": "b", "label": "y"}\n'), ["label"]
        )


def test_quotation_marks_of_a_tsv(write):
    lone = write("a.tsv", 'text\tlabel\n"They came\ta\nand went"\tb\n"He said ""no"""\tc\n')
    assert readers.table(lone, ["label"])["text"].tolist() == ['"They came', 'and went"', 'He said "no"']
    broken = write("b.tsv", 'text\tlabel\n"They came\nand\twent"\tb\n')
    assert readers.table(broken, ["label"])["text"].tolist() == ["They came\nand\twent"]


def test_gaps_are_empty_and_a_byte_order_mark_is_none(write, tmp_path):
    found = readers.table(write("a.jsonl", b'\xef\xbb\xbf{"text": "a", "label": null}\n'), ["label"])
    assert found["label"].tolist() == [""]
    pd.DataFrame({"text": ["a", "b"], "label": [1.0, None]}).to_parquet(tmp_path / "a.parquet")
    assert readers.table(tmp_path / "a.parquet", ["label"])["label"].tolist() == ["1.0", ""]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "txt,label\na,b\n", "no column text; there are txt, label"),
        ("a.csv", "", "no column text, label; there are none"),
        ("a.csv", "text,label\na,b\n\nc\n", "line 4: 1 columns where there should be 2"),
        ("a.csv", 'text,label\n"a,b\n', "line 2: cannot be parsed"),
        ("a.tsv", "text\tlabel\na\tb\tc\n", "line 2: 3 columns where there should be 2"),
        ("a.csv", "text,label\na,b\nRéunion,c\n".encode("latin-1"), "line 3: not UTF-8"),
        ("a.csv", "text,label\na,b\n".encode("utf-16"), "line 1: not UTF-8"),
        ("a.jsonl", '{"text": "a", "label": "b"}\n{"text": "a"\n', "line 2: no valid JSON"),
        ("a.jsonl", '\n{"text": "a", "topic": "b"}\n', "line 2: no column label; there are text, topic"),
        ("a.jsonl", "[1]\n", "line 1: must be a JSON object"),
        ("a.parquet", "no parquet", "cannot be read as parquet"),
        ("a.xlsx", "", "the extension must be csv, tsv, jsonl or parquet"),
    ],
)
def test_a_table_that_cannot_be_read(write, name, content, said):
    with pytest.raises(CorpusError) as raised:
        readers.table(write(name, content), ["label"])
    assert said in str(raised.value)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_parquet_file_without_the_column(tmp_path):
    pd.DataFrame({"txt": ["a"]}).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(CorpusError, match="no column text, label; there are txt"):
        readers.table(tmp_path / "a.parquet", ["label"])


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CorpusError, match=r"cannot read .*No such file"):
        readers.table(tmp_path / "a.csv", ["label"])


# --- the other formats


def test_parts_of_a_speech_are_one_document(write):
    lines = ["file_id,EDU_text,y", "M_1.2_spch015_Chad_neg_03.txt,We warn,1", "M_1.2_spch015_Chad_neg_04.txt,We call,0"]
    found = readers.unscon(
        write("a.csv", "\n".join([*lines, "M_1.2_spch016_Chad_neg_01.txt,No,0"])), ["y"], text="EDU_text"
    )
    assert found["document"].tolist() == ["M_1.2_spch015", "M_1.2_spch015", "M_1.2_spch016"]


def test_police_events_are_several_labels_and_stories_are_documents(write):
    path = write("train.tsv", 'Story one\t0\t0\t0\t0\t0\n"They ""shot"""\t1\t0\t1\t0\t1\nStory two\t0\t0\t0\t1\t0\n')
    found = readers.india_police(path, ["KILL", "FAIL", "any"], story="Story")
    assert found["text"].tolist() == ["Story one", 'They "shot"', "Story two"]
    assert found[["KILL", "FAIL", "any"]].values.tolist() == [["0", "0", "0"], ["1", "0", "1"], ["0", "1", "1"]]
    assert found["document"].tolist() == ["train:1", "train:1", "train:2"]
    assert readers.india_police(path, ["any"])["document"].tolist() == ["", "", ""]
    with pytest.raises(CorpusError, match="row 1: KILL, ARREST"):
        readers.india_police(write("b.tsv", "a\t0\t0\t2\t0\t0\n"), ["any"])


def test_an_incident_is_a_role_that_is_filled(write):
    content = {"D-1": {"doc": "GUERRILLAS\n ATTACKED", "roles": {"perp": [["GUERRILLAS"]], "tgt": []}}}
    content["D-2"] = {"doc": "THE BANK", "roles": {"perp": [], "tgt": []}}
    found = readers.muc4(write("a.json", json.dumps(content)), ["incident"])
    assert found[["id", "incident"]].values.tolist() == [["D-1", "yes"], ["D-2", "no"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{\n]", "line 2: no valid JSON"),
        ("[]", "must be a JSON object"),
        ('{"D-1": {"doc": "a"}}', "record D-1: needs"),
    ],
)
def test_muc4_that_cannot_be_read(write, content, said):
    with pytest.raises(CorpusError, match=said):
        readers.muc4(write("a.json", content), ["incident"])


RECORDS = [
    ("2017-01-02", "CONSULT", "The ministers of Avaria and Brond met on Monday to talk about the strait."),
    ("2017-01-03", "THREATEN", 'Brond warned: "ships that come closer will be sunk".'),
]


@pytest.mark.parametrize("form", ["lines", "json", "pretty"])
def test_plover_records(write, form):
    fields = [{"id": f"G-{n}", "date": d, "event": e, "mode": None, "text": t} for n, (d, e, t) in enumerate(RECORDS)]
    if form == "lines":
        blocks = [
            "\n".join(f"{key}: {value}" for key, value in one.items()).replace(" met", "\n  met") for one in fields
        ]
    else:
        blocks = [json.dumps(one, indent=2 if form == "pretty" else None) for one in fields]
    found = readers.plover_records(write("a.txt", "\n\n".join(blocks) + "\n\n"), ["event"], date="date")
    assert found[["date", "event", "text"]].values.tolist() == [list(one) for one in RECORDS]
    assert found["id"].tolist() == ["1", "2"]
    assert found["document"].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("event: AID\ntext: a\n\nevent: AID\n", "record at line 4: no column text; there are event"),
        ('{"event": "AID", "text": "a"}\n\n{"event"}', "line 3: no valid JSON"),
        ('{"event": "AID"}', "record at line 1: no column text; there are event"),
        ("event: AID\ntext: a\n\n012 AID\n", "line 4: a record must begin"),
    ],
)
def test_plover_records_that_cannot_be_read(write, content, said):
    with pytest.raises(CorpusError, match=said):
        readers.plover_records(write("a.txt", content), ["event"])


# --- the published files

ROW_COUNTS = {
    "plv": 1050, "aw": 802, "cameo": 1349, "unscon": 4726, "unscon_sentences": 2377, "muc4": 1300, "bbc": 1588,
    "india_police_docs": 905, "india_police_sents": 14943,
}  # fmt: skip
DOCUMENTS = {"aw": 428, "unscon": 86, "unscon_sentences": 86, "india_police_sents": 474}


@pytest.mark.parametrize("name", ROW_COUNTS)
def test_published_files_are_read_whole(mirror, name):
    spec = CorpusSpec.load(name, FOLDER)
    fetch(spec, mirror, report=str)
    found = read(spec)
    assert len(found) == ROW_COUNTS[name]
    assert list(found.columns) == ["id", "text", "document", "date", *spec.labels.values()]
    assert found["id"].is_unique
    assert found["document"].nunique() == DOCUMENTS.get(name, 1)
    assert all(isinstance(value, str) for value in found.to_numpy().ravel())
    assert all(found[column].nunique() > 1 for column in spec.labels.values())


def test_the_text_of_plv_is_the_plain_sentence(mirror):
    spec = CorpusSpec.load("plv", FOLDER)
    fetch(spec, mirror, report=str)
    found = read(spec)
    assert not found["text"].str.contains("<s>|<t>").any()
    assert set(found["gold_penta"]) == {"1", "2", "3", "4"}
    assert found["gold_root"].nunique() == 15
