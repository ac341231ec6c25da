"""How fast a gallery of faces is beside faiss and NumPy, in a file and in PostgreSQL, and how much memory it takes.

python benchmarks/gallery.py [--num 1000000] [--threads 2] [--graphs 100000] [--postgres postgresql://…] [--only PART …]

Parts: `file` (bulk enrolment, exact search of random unit embeddings of 128 beside NumPy and faiss flat), `encrypted`,
`index` (approximate search of clustered embeddings), `graphs` (the same beside HNSW of faiss, on so many embeddings),
`postgres` (the same on the server of `make postgres`, or at an address). Each line has the time of the clock and that
of this process on all cores, in which other work on the machine does not count; a server's work counts in neither but
the clock's. It needs faiss-cpu.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import faiss
import numpy as np

from derin.apps.faces.gallery import Gallery

DIM, NUM_QUERIES = 128, 64
PARTS = ("file", "encrypted", "index", "graphs", "postgres")
ADDRESS = Path(__file__).resolve().parent.parent / ".postgres-url"


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def random_embeddings(num: int, seed: int) -> np.ndarray:
    return unit(np.random.default_rng(seed).standard_normal((num, DIM), dtype=np.float32))


def clustered_embeddings(num: int, seed: int, num_clusters: int) -> np.ndarray:
    """Ten pictures of each of many people: around a center of each, so that two of one person are some 0.6 apart."""
    rng = np.random.default_rng(seed)
    centers = random_embeddings(num_clusters, 1)
    noise = rng.standard_normal((num, DIM), dtype=np.float32) * np.float32(0.45 / DIM**0.5)
    return unit(centers[rng.integers(0, num_clusters, num)] + noise)


def people(embeddings: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    return ((f"person {at}", row) for at, row in enumerate(embeddings))


def measured(what: str, call: Callable[[], Any], *, rounds: int = 1, num: int = 0) -> Any:
    """Calls and prints the median over the rounds; with ``num`` also how many a second."""
    times = []
    for _ in range(rounds):
        clock, processor = time.perf_counter(), time.process_time()
        found = call()
        times.append((time.perf_counter() - clock, time.process_time() - processor))
    seconds, own = sorted(times)[rounds // 2]
    rate = f", {num / seconds:,.0f}/s ({num / own:,.0f}/s of the processor)" if num else ""
    print(f"{what:<52} {seconds * 1000:12,.2f} ms clock {own * 1000:12,.2f} ms processor{rate}", flush=True)
    return found


def memory() -> str:
    """What the process holds now, and the most it ever held."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{pages * resource.getpagesize() >> 20} MiB resident, {most >> 10} MiB at most"


def search_exactly(gallery: Gallery, embeddings: np.ndarray, queries: np.ndarray) -> None:
    """The gallery, NumPy and faiss flat by turns."""
    measured("gallery, first search (reads all)", lambda: gallery.search(queries[:1]))
    print(f"memory with the embeddings read a second time: {memory()}")
    expected = [[f"person {at}"] for at in (embeddings @ queries.T).argmax(0)]
    for num in (1, NUM_QUERIES):
        part = queries[:num]
        names = measured(f"gallery, exact, {num} queries", lambda: gallery.search(part).names, rounds=5)  # noqa: B023
        print(f"  the same answers as NumPy's: {names == expected[:num]}")
        measured(f"NumPy, {num} queries", lambda: (embeddings @ part.T).argmax(0), rounds=5)  # noqa: B023
        flat = faiss.IndexFlatL2(DIM)
        flat.add(embeddings)
        measured(f"faiss flat, {num} queries", lambda: flat.search(part, 1), rounds=5)  # noqa: B023


def in_a_file(options: argparse.Namespace, folder: Path) -> None:
    """Bulk enrolment and exact search."""
    embeddings, queries = random_embeddings(options.num, 0), random_embeddings(NUM_QUERIES, 1)
    place = folder / "faces.db"
    print(f"memory before: {memory()}")
    with Gallery.open(place, model="benchmark") as gallery:
        measured(
            f"file, bulk enrolment of {options.num:,}",
            lambda: gallery.enrol_many(people(embeddings), compare=False),
            num=options.num,
        )
        print(f"  {sum(path.stat().st_size for path in folder.iterdir()) >> 20} MiB of files; {memory()}")
        search_exactly(gallery, embeddings, queries)
        measured("file, removal of one (writes the file anew)", lambda: gallery.remove("person 5"))
        measured("file, search after it", lambda: gallery.search(queries[:1]))
        measured("file, enrolment of one more", lambda: gallery.enrol("one more", queries[0]))
        measured("file, search after it", lambda: gallery.search(queries[:1]))


def encrypted(options: argparse.Namespace, folder: Path) -> None:
    """The same with a key, on a tenth."""
    num = options.num // 10
    embeddings = random_embeddings(num, 0)
    with Gallery.open(folder / "encrypted.db", model="benchmark", key="a key of the benchmark") as gallery:
        measured(
            f"encrypted file, bulk enrolment of {num:,}",
            lambda: gallery.enrol_many(people(embeddings), compare=False),
            num=num,
        )
        measured("encrypted file, first search (reads all)", lambda: gallery.search(embeddings[:1]))


def by_index(gallery: Gallery, embeddings: np.ndarray, queries: np.ndarray) -> None:
    """Approximate search beside exact search, on queries that are not enrolled."""
    gallery.search(queries[:1])
    report = measured("build_index", gallery.build_index)
    print(f"  {report}; {memory()}")
    exact = measured("exact, 1 query", lambda: gallery.search(queries[:1]), rounds=9)
    exact = measured(f"exact, {NUM_QUERIES} queries", lambda: gallery.search(queries[:NUM_QUERIES]))
    measured("by index, 1 query", lambda: gallery.search(queries[:1], exact=False), rounds=9)
    found = measured(f"by index, {NUM_QUERIES} queries", lambda: gallery.search(queries[:NUM_QUERIES], exact=False))
    names = measured(f"by index, {len(queries)} queries", lambda: gallery.search(queries, exact=False).names)
    assert len(exact.names) == len(found.names)
    expected = [[f"person {at}"] for at in (embeddings @ queries.T).argmax(0)]
    print(
        f"  recall@1 of {len(queries)} new queries: {np.mean([a == b for a, b in zip(names, expected, strict=True)])}"
    )


def index(options: argparse.Namespace, folder: Path) -> None:
    """Clustered embeddings, and how long a process that has not built the index takes to its first search by it."""
    embeddings = clustered_embeddings(options.num, 2, options.num // 10)
    queries = clustered_embeddings(1000, 3, options.num // 10)
    with Gallery.open(folder / "clustered.db", model="benchmark") as gallery:
        gallery.enrol_many(people(embeddings), compare=False)
        by_index(gallery, embeddings, queries)
        measured("removal of one (writes the file anew)", lambda: gallery.remove("person 5"))
        measured("search by index after it", lambda: gallery.search(queries[:1], exact=False))
    with Gallery.open(folder / "clustered.db", model="benchmark") as gallery:
        measured("first search of a process (reads all)", lambda: gallery.search(queries[:1]))
        measured("first search by index (reads the lists)", lambda: gallery.search(queries[:1], exact=False))


def graphs(options: argparse.Namespace, folder: Path) -> None:
    """HNSW, whose building takes minutes."""
    num = options.graphs
    embeddings, queries = clustered_embeddings(num, 2, num // 10), clustered_embeddings(1000, 3, num // 10)
    expected = (embeddings @ queries.T).argmax(0)
    graph = faiss.IndexHNSWFlat(DIM, 16)
    graph.hnsw.efConstruction = 80
    measured(f"faiss, HNSW of {num:,}", lambda: graph.add(embeddings))
    for width in (16, 32, 64, 128):
        graph.hnsw.efSearch = width
        found = measured(f"faiss, HNSW, width {width}, 1000 queries", lambda: graph.search(queries, 1)[1][:, 0])
        print(f"  recall@1: {np.mean(found == expected)}")
    with Gallery.open(folder / "graphs.db", model="benchmark") as gallery:
        gallery.enrol_many(people(embeddings), compare=False)
        by_index(gallery, embeddings, queries)


def in_postgres(options: argparse.Namespace, folder: Path) -> None:
    """In a database of its own."""
    import psycopg

    address = options.postgres or ADDRESS.read_text().splitlines()[0]
    name = f"benchmark_{os.getpid()}"
    embeddings = clustered_embeddings(options.num, 2, options.num // 10)
    queries = clustered_embeddings(100, 3, options.num // 10)
    with psycopg.connect(address, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            with Gallery.open(urlsplit(address)._replace(path=f"/{name}").geturl(), model="benchmark") as gallery:
                measured(
                    f"PostgreSQL, bulk enrolment of {options.num:,}",
                    lambda: gallery.enrol_many(people(embeddings), compare=False),
                    num=options.num,
                )
                by_index(gallery, embeddings, queries)
                measured("PostgreSQL, removal of one", lambda: gallery.remove("person 5"))
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2, help="of faiss; those of NumPy are OMP_NUM_THREADS")
    parser.add_argument("--graphs", type=int, default=100_000, help="embeddings of the part graphs")
    parser.add_argument("--postgres", help="address of a server's database postgres")
    parser.add_argument("--folder", help="on whose disk galleries are made")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    faiss.omp_set_num_threads(options.threads)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()}, NumPy {np.__version__}")
    parts = dict(zip(PARTS, (in_a_file, encrypted, index, graphs, in_postgres), strict=True))
    for part in options.only:
        print(f"\n== {part}")
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            parts[part](options, Path(folder))


if __name__ == "__main__":
    main()
