"""The catalog of data sets that are known by name: what they are, how they are read, what was published."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from derin.core.messages import Message
from derin.data.report import DataReport
from derin.data.schema import Column, Kind, Role, Schema
from derin.data.table import ColumnData, Dense, Table
from derin.datasets.download import RemoteFile
from derin.readers.formats import ReadOptions, is_archive, read_for_task, read_form, read_sounds, table_settings
from derin.readers.sounds import NamePattern

Reader = Callable[["NamedSet", Path, ReadOptions], Table]


@dataclass(frozen=True, kw_only=True)
class NamedSet:
    """A data set that is known by name.

    Args:
        name: by which it is loaded.
        about: one line for people.
        read: makes the table from the place that was found (an empty path for sets that come with a package).
        places: where its files may lie, relative to ``DERIN_DATA`` or the downloads; the first that exists is read.
            Without places no files are needed.
        comes_with: the package that brings a set without files.
        files: what can be downloaded, into the first place; an archive is unpacked there if ``unpacks`` is set.
        unpacks: whether a downloaded archive is unpacked.
        target: name of the target column of a table.
        column_names: of a table without a header.
        classes: names of the classes 0, 1, …
        published: examples in each split of the set as it was published (``""`` without splits); a difference is noted.
        lossless: whether the published pictures are free of JPEG's losses; a copy in JPEG is noted.
        remark: a sentence that always stands in the report's notes.
        task: what it is read for, where its form does not tell; the user may name another.
        reader_options: settings of the reader of that task.
    """

    name: str
    about: str
    read: Reader
    places: tuple[str, ...] = ()
    comes_with: str = ""
    files: tuple[RemoteFile, ...] = ()
    unpacks: bool = False
    target: str | None = None
    column_names: tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None
    published: Mapping[str, int] = field(default_factory=dict)
    lossless: bool = False
    remark: str = ""
    task: str | None = None
    reader_options: Mapping[str, Any] = field(default_factory=dict)


def _from_sklearn(named: NamedSet, _: Path, options: ReadOptions) -> Table:
    """A small table that comes with scikit-learn."""
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{named.name}")()
    columns: dict[str, ColumnData] = {}
    schema = []
    for place, feature in enumerate(map(str, bunch.feature_names)):
        columns[feature] = Dense(np.ascontiguousarray(bunch.data[:, place]))
        schema.append(Column(name=feature, kind=Kind.NUMBER, role=Role.INPUT))
    target = named.target or "target"
    if hasattr(bunch, "target_names"):
        columns[target] = Dense(bunch.target.astype(np.int64))
        classes = tuple(str(n) for n in bunch.target_names)
        schema.append(Column(name=target, kind=Kind.CATEGORY, role=Role.TARGET, classes=classes))
    else:
        columns[target] = Dense(bunch.target.astype(np.float64))
        schema.append(Column(name=target, kind=Kind.NUMBER, role=Role.TARGET))
    return Table(name=named.name, schema=Schema(tuple(schema)), columns=columns, splits={}, report=DataReport())


def _digits(named: NamedSet, _: Path, options: ReadOptions) -> Table:
    """8×8 handwritten digits; their 17 gray values 0 to 16 are spread over 0 to 255."""
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()
    pictures = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., None]
    schema = Schema(
        (
            Column(name="picture", kind=Kind.PICTURE, role=Role.INPUT, shape=pictures.shape[1:]),
            Column(name="label", kind=Kind.CATEGORY, role=Role.TARGET, classes=tuple("0123456789")),
        )
    )
    columns = {"picture": Dense(pictures), "label": Dense(bunch.target.astype(np.int64))}
    return Table(name=named.name, schema=schema, columns=columns, splits={}, report=DataReport())


def _idx(named: NamedSet, place: Path, options: ReadOptions) -> Table:
    from derin.readers.idx import read_idx

    return read_idx(place, name=named.name, classes=named.classes)


def _csv(named: NamedSet, place: Path, options: ReadOptions) -> Table:
    from derin.readers.csv_table import read_csv

    settings = table_settings(options)
    settings["target"] = options.target or named.target
    return read_csv(place, name=named.name, names=named.column_names, **settings)


def _listed_pictures(named: NamedSet, place: Path, options: ReadOptions) -> Table:
    from derin.readers.listed_pictures import read_listed_pictures

    return read_listed_pictures(
        place / "images.zip",
        place / "labels.csv",
        place / "imagenet-simple-labels.json",
        name=named.name,
        size=options.size,
        channels=options.channels,
        progress=options.progress,
    )


def _any(named: NamedSet, place: Path, options: ReadOptions) -> Table:
    """A set whose form tells itself; an archive that lies alone in its folder is meant."""
    table = read_form(_alone(place), name=named.name, options=replace(options, target=options.target or named.target))
    return _with_class_names(table, named.classes) if named.classes else table


def _sounds(names: NamePattern) -> Reader:
    """A set of sounds, in a folder or in the one archive that is in it, whose names say what is documented."""

    def read(named: NamedSet, place: Path, options: ReadOptions) -> Table:
        return read_sounds(_alone(place), named.name, options, names)

    return read


def _alone(place: Path) -> Path:
    """The one archive in a folder, or the place itself."""
    archives = [p for p in place.iterdir() if is_archive(p)] if place.is_dir() else []
    return archives[0] if len(archives) == 1 else place


def _for_task(named: NamedSet, place: Path, options: ReadOptions) -> Table:
    """A set that is read for a task: its own, unless the user named another."""
    task = options.task or named.task
    assert task is not None
    own = named.reader_options if task == named.task else {}
    return read_for_task(task, place, name=named.name, options=options, **own)


def _masks(named: NamedSet, place: Path, options: ReadOptions) -> Table:
    """Pictures with masks, in a folder or in the one archive that is in it."""
    return _for_task(named, _alone(place), options)


def _generated(address: str) -> Reader:
    """A set that is made by a documented rule: a function ``make(*, name) -> Table`` at ``module:function``."""

    def read(named: NamedSet, _: Path, options: ReadOptions) -> Table:
        module, function = address.split(":")
        table: Table = getattr(import_module(module), function)(name=named.name)
        return replace(table, task=named.task)

    return read


def _with_class_names(table: Table, classes: tuple[str, ...]) -> Table:
    """The table with names in place of the classes 0, 1, …"""
    target = table.target()
    if target.classes != tuple(str(i) for i in range(len(classes))):
        return table
    columns = (replace(c, classes=classes) if c.name == target.name else c for c in table.schema)
    return replace(table, schema=Schema(tuple(columns)))


def _remote(base: str, *files: tuple[str, int, str]) -> tuple[RemoteFile, ...]:
    return tuple(RemoteFile(address=base + name, name=name, num_bytes=size, sha256=sha) for name, size, sha in files)


_MNIST_FILES = _remote(
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ("train-images-idx3-ubyte.gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    ("train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    ("t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    ("t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
)
_FASHION_FILES = _remote(
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/b2617bb6d3ffa2e429640350f613e3291e10b141/data/fashion/",
    ("train-images-idx3-ubyte.gz", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    ("train-labels-idx1-ubyte.gz", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    ("t10k-images-idx3-ubyte.gz", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    ("t10k-labels-idx1-ubyte.gz", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
)
_CIFAR_FILES = _remote(
    "https://www.cs.toronto.edu/~kriz/",
    ("cifar-10-binary.tar.gz", 170_052_171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
)
_IMDB_FILES = _remote(
    "https://ai.stanford.edu/~amaas/data/sentiment/",
    ("aclImdb_v1.tar.gz", 84_125_825, "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"),
)
_FASHION_CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
_PIMA_COLUMNS = (
    "pregnancies", "glucose", "blood_pressure", "skin_thickness", "insulin", "bmi", "pedigree", "age", "outcome",
)  # fmt: skip

_SETS = (
    NamedSet(
        name="digits",
        about="1,797 handwritten digits, 8×8 gray pictures",
        read=_digits,
        comes_with="scikit-learn",
        remark=Message("reading.digits_range"),
    ),
    NamedSet(
        name="iris",
        about="150 irises, 4 measures, 3 species",
        read=_from_sklearn,
        comes_with="scikit-learn",
        target="species",
    ),
    NamedSet(
        name="wine",
        about="178 wines, 13 measures, 3 growers",
        read=_from_sklearn,
        comes_with="scikit-learn",
        target="grower",
    ),
    NamedSet(
        name="breast_cancer",
        about="569 tumours, 30 measures, malignant or benign",
        read=_from_sklearn,
        comes_with="scikit-learn",
        target="diagnosis",
    ),
    NamedSet(
        name="diabetes",
        about="442 patients, 10 measures, progression after a year",
        read=_from_sklearn,
        comes_with="scikit-learn",
        target="progression",
    ),
    NamedSet(
        name="mnist",
        about="70,000 handwritten digits, 28×28 gray pictures",
        read=_idx,
        places=("mnist",),
        files=_MNIST_FILES,
        classes=tuple("0123456789"),
        published={"train": 60_000, "test": 10_000},
    ),
    NamedSet(
        name="fashion_mnist",
        about="70,000 articles of clothing, 28×28 gray pictures, 10 classes",
        read=_idx,
        places=("fashion_mnist",),
        files=_FASHION_FILES,
        classes=_FASHION_CLASSES,
        published={"train": 60_000, "test": 10_000},
    ),
    NamedSet(
        name="cifar10",
        about="60,000 photographs, 32×32 colour, 10 classes",
        read=_any,
        places=("cifar10",),
        files=_CIFAR_FILES,
        unpacks=True,
        published={"train": 50_000, "test": 10_000},
        lossless=True,
    ),
    NamedSet(name="cats_vs_dogs", about="2,600 photographs of cats and dogs", read=_any, places=("cats_vs_dogs",)),
    NamedSet(name="hymenoptera", about="398 photographs of ants and bees", read=_any, places=("hymenoptera",)),
    NamedSet(
        name="imagenet_samples",
        about="100 photographs of 100 of ImageNet's 1,000 classes",
        read=_listed_pictures,
        places=("imagenet_samples",),
        published={"": 100},
        remark=Message("reading.imagenet_names"),
    ),
    NamedSet(
        name="orl_faces",
        about="400 faces of 40 people, 92×112 gray pictures",
        read=_any,
        places=("orl_faces", "faces_orl"),
        published={"": 400},
    ),
    NamedSet(
        name="free_spoken_digits",
        about="spoken digits of six people, 8 kHz",
        read=_sounds(NamePattern(r"(?P<label>\d)_(?P<speaker>[a-z]+)_\d+\.wav", test=r".*_[0-4]\.wav")),
        places=("free_spoken_digits", "fsdd"),
        published={"train": 2_700, "test": 300},
    ),
    NamedSet(
        name="speech_commands",
        about="words of many people, a second each, 16 kHz",
        read=_sounds(NamePattern(r"(?P<speaker>[0-9a-f]+)_nohash_\d+\.wav")),
        places=("speech_commands",),
    ),
    NamedSet(
        name="titanic",
        about="891 passengers of the Titanic, who survived",
        read=_csv,
        places=("titanic/titanic_train.csv", "titanic/train.csv", "tabular/titanic_train.csv"),
        target="Survived",
        published={"": 891},
        remark=Message("reading.titanic_test"),
    ),
    NamedSet(
        name="california_housing",
        about="20,640 districts of California, value of a house",
        read=_csv,
        places=(
            "california_housing/housing.csv",
            "california_housing/california_housing.csv",
            "tabular/california_housing.csv",
        ),
        target="median_house_value",
        published={"": 20_640},
    ),
    NamedSet(
        name="pima_diabetes",
        about="768 women, 8 measures, diabetes within five years",
        read=_csv,
        places=("pima_diabetes/pima-indians-diabetes.csv", "tabular/pima-indians-diabetes.csv"),
        target="outcome",
        column_names=_PIMA_COLUMNS,
        published={"": 768},
        remark=Message("reading.pima_zeros"),
    ),
    NamedSet(
        name="sst2",
        about="9,613 sentences from film reviews, negative or positive",
        read=_any,
        places=("sst2",),
        classes=("negative", "positive"),
        published={"train": 6_920, "val": 872, "test": 1_821},
    ),
    NamedSet(
        name="imdb_reviews",
        about="50,000 film reviews, negative or positive",
        read=_any,
        places=("imdb_reviews",),
        files=_IMDB_FILES,
        published={"train": 25_000, "test": 25_000},
    ),
    NamedSet(
        name="rt_polarity",
        about="10,662 sentences from film reviews, negative or positive",
        read=_any,
        places=("rt_polarity",),
        published={"": 10_662},
        remark=Message("reading.sst2_sentences"),
    ),
    NamedSet(
        name="turkish_movie_sentiment",
        about="Turkish film reviews, negative or positive",
        read=_any,
        places=("turkish_movie_sentiment",),
        published={"": 10_662},
    ),
    NamedSet(
        name="turkish_news_topics",
        about="1,150 Turkish news articles, 5 topics",
        read=_any,
        places=("turkish_news_topics",),
        published={"train": 750, "val": 150, "test": 250},
    ),
    NamedSet(
        name="tinyshakespeare",
        about="1.1 million letters of Shakespeare",
        read=_for_task,
        places=("tinyshakespeare/input.txt",),
        task="lm",
    ),
    NamedSet(
        name="turkish_corpus",
        about="5.3 MB of Turkish text: speeches, minutes, law, articles",
        read=_for_task,
        places=("turkish_corpus",),
        task="lm",
    ),
    NamedSet(
        name="camvid",
        about="468 photographs from a car, 240×180, with the class of every pixel, 11 classes",
        read=_masks,
        places=("camvid",),
        task="segmentation",
    ),
    NamedSet(
        name="penn_fudan",
        about="170 photographs of people in streets, with the pixels of each person",
        read=_masks,
        places=("penn_fudan",),
        task="segmentation",
        reader_options={"instances": "person"},
    ),
    NamedSet(
        name="conll2003_en",
        about="20,744 English sentences with people, places, organizations",
        read=_for_task,
        places=("conll2003_en",),
        task="tagging",
    ),
    NamedSet(
        name="turkish_wiki_ner",
        about="19,967 Turkish sentences with 19 kinds of names",
        read=_for_task,
        places=("turkish_wiki_ner",),
        task="tagging",
    ),
    NamedSet(
        name="multi30k_en_de",
        about="31,014 captions of pictures in English and German",
        read=_for_task,
        places=("multi30k_en_de",),
        task="translation",
    ),
    NamedSet(
        name="tatoeba_en_tr",
        about="38,467 sentences in English and Turkish",
        read=_for_task,
        places=("tatoeba_en_tr/tur.txt",),
        task="translation",
        reader_options={"languages": ("en", "tr")},
    ),
    NamedSet(
        name="camera_scan",
        about="7,800 street scenes by camera and range scan: where is the person?, made by a rule",
        read=_generated("derin.datasets.generated.camera_scan:camera_scan"),
        comes_with="Derin",
    ),
    NamedSet(
        name="scenes",
        about="25,400 pictures of two objects with a sentence each, made by a rule",
        read=_generated("derin.datasets.generated.scenes:scenes"),
        comes_with="Derin",
        task="flow",
    ),
    NamedSet(
        name="dates_en",
        about="12,000 English dates in 20 forms and their ISO form, made by a rule",
        read=_generated("derin.datasets.generated.dates:dates_en"),
        comes_with="Derin",
        task="translation",
    ),
    NamedSet(
        name="dates_tr",
        about="12,000 Turkish dates in 22 forms and their ISO form, made by a rule",
        read=_generated("derin.datasets.generated.dates:dates_tr"),
        comes_with="Derin",
        task="translation",
    ),
    NamedSet(
        name="dna_promoters",
        about="promoters and other sequences of DNA, made by a rule",
        read=_generated("derin.datasets.generated.dna:dna_promoters"),
        comes_with="Derin",
    ),
    NamedSet(
        name="food",
        about="6,000 sentences about food, made by a small grammar",
        read=_generated("derin.datasets.generated.food_grammar:food"),
        comes_with="Derin",
        task="lm",
    ),
    NamedSet(
        name="music",
        about="4,000 melodies in ABC notation, made by a rule",
        read=_generated("derin.datasets.generated.music:music"),
        comes_with="Derin",
        task="lm",
    ),
    NamedSet(
        name="airline_passengers",
        about="144 months of airline passengers",
        read=_for_task,
        places=("timeseries/airline-passengers.csv",),
        task="forecasting",
    ),
    NamedSet(
        name="sunspots",
        about="2,820 months of sunspots, 1749 to 1983",
        read=_for_task,
        places=("timeseries/monthly-sunspots.csv",),
        task="forecasting",
    ),
    NamedSet(
        name="etth1",
        about="17,420 hours of a power transformer: oil temperature and six loads",
        read=_for_task,
        places=("timeseries/ETTh1.csv",),
        task="forecasting",
        reader_options={"split": (8640, 2880, 2880)},
        remark=Message("reading.etth1_cut"),
    ),
    NamedSet(
        name="pollution",
        about="43,824 hours of fine dust and weather in Beijing",
        read=_for_task,
        places=("timeseries/pollution.csv",),
        task="forecasting",
        reader_options={"target": "pm2.5"},
    ),
)

NAMED_SETS: dict[str, NamedSet] = {named.name: named for named in _SETS}
