"""Which rows train, which choose and which measure.

Given splits are kept. What is missing is cut off, seeded, with every class in proportion, and with copies and groups
kept together; or in the order of a column. Validation and test take 20 % each, but no more than 10 000 rows.

Of a class, a share is seldom a whole number of examples. The seed decides which classes are rounded up: classes of
equal size differ by one training example at most, every class has its chance to be measured, and none is without a
training example. Groups that each hold one class are cut in proportion as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import numpy as np
import numpy.typing as npt

from derin.core.errors import DataError, UnknownNameError, UsageError
from derin.core.messages import Message
from derin.core.seeds import generator, permutation, uniforms
from derin.data.duplicates import first_equal_rows
from derin.data.report import DataReport, Outcome
from derin.data.schema import Column, Kind, Role
from derin.data.table import SPLITS, TRAINING_DEV, Dense, Rows, Table

SHARE = 0.2
LARGEST = 10_000
_TRAIN = "train"
# Groups of a class from which on each part can get some of them.
_FEW_GROUPS = 5
# Where most rows are copies (a table of a few categories), equal rows are the nature of the data and not a leak.
_LARGEST_COPIED_SHARE = 0.5


def complete_splits(
    table: Table,
    *,
    seed: int = 0,
    share: float = SHARE,
    largest: int = LARGEST,
    first: Rows | None = None,
    wanted: Sequence[str] | None = None,
    time_column: str | None = None,
    dev_from: str | None = None,
) -> Table:
    """The table with the splits that it needs for training and a fair measurement.

    ============== ==========================================================
    given          done
    ============== ==========================================================
    nothing, train train, val and test are cut from all rows
    train and test val is cut from train
    train and val  kept; a test is not invented
    all three      kept
    no train       kept; it can be looked at and measured on
    ============== ==========================================================

    A cut takes min(``share`` · rows, ``largest``) rows. Rows without a target belong to no split. The result is a
    function of the table and the seed; what was done stands in the report's notes, the examples per class in its
    counts.

    Args:
        table: with splits as its source gave them.
        seed: of the cut.
        share: of the rows that a cut part takes.
        largest: number of rows that a cut part takes at most.
        first: what `first_equal_rows` gave, if it is known already.
        wanted: the splits to cut; None cuts those of the table above.
        time_column: a column of dates or numbers in whose order is cut, not at random: the earliest rows train, the
            latest are the last split. Rows of one time stay together; those without one train.
        dev_from: the rows from which they are cut, as `rows_from` takes it: those that the network is for. All others
            train, beside what these keep. None cuts from all rows.

    Raises:
        DataError: there are too few rows or times, or one row is in two splits.
        UsageError: the column has no order, or groups are to stay together as well; `dev_from` names no rows, or all,
            or parts a group, or the source brings all its splits.
        UnknownNameError: there is no such column.
    """
    if not 0 < share < 0.5:
        raise DataError(f"complete_splits: share must lie between 0 and 0.5; got {share}.")
    _check(table)
    report = replace(
        table.report,
        findings=list(table.report.findings),
        notes=list(table.report.notes),
    )
    times = None if time_column is None else _times(table, time_column)
    usable = _rows_with_targets(table, report)
    given = {name: rows[usable[rows]] for name, rows in table.splits.items() if len(rows)}
    if wanted is None:
        wanted = ["val", "test"] if set(given) <= {_TRAIN} else [] if "val" in given or _TRAIN not in given else ["val"]
    splits = dict(given)
    if dev_from is not None and not wanted:
        raise UsageError(
            f"The data {table.name!r} comes with its own {' and '.join(given)}; dev_from says of what splits are cut. "
            "Leave it out."
        )
    if given and _TRAIN not in given:
        report.notes.append(Message("reading.nothing_to_train"))
    if wanted:
        pool = given.get(_TRAIN, np.flatnonzero(usable))
        if len(pool) <= len(wanted):
            raise DataError(
                f"Table {table.name!r}: at least {len(wanted) + 1} rows with a target are required to cut "
                f"{' and '.join(wanted)} from; got {len(pool)}. Add examples."
            )
        others = pool[:0]
        if dev_from is not None:
            pool, others = _by_source(table, pool, dev_from, len(wanted))
        num = min(max(1, int(share * len(pool))), largest)
        if times is not None:
            parts = _latest(pool, times[pool], list(wanted), num, table.name)
            how: tuple[str, ...] = (Message("reading.latest_by", column=time_column),)
        else:
            cut = _Cut.of(table, pool, first)
            parts, how = cut.parts(list(wanted), num=num, seed=seed), cut.how
        if dev_from is not None:
            held = len(parts[wanted[0]])
            report.notes.append(
                Message(
                    "reading.dev_from",
                    source=dev_from,
                    kept=len(parts[_TRAIN]),
                    others=len(others),
                    held=held,
                    split=wanted[0],
                    mixed=round(held * len(pool) / (len(pool) + len(others))),
                )
            )
            parts[_TRAIN] = np.sort(np.concatenate([parts[_TRAIN], others]))
        splits.update(parts)
        report.notes.append(_sentence(wanted, parts, given, how, seed))
        dates = [column.name for column in table.schema if column.kind is Kind.DATE]
        if dates and times is None and table.task is None:
            report.notes.append(Message("reading.cut_without_time", column=dates[0]))
    result = replace(
        table,
        splits={name: splits[name] for name in SPLITS if name in splits},
        given_splits=tuple(given),
        report=report,
    )
    report.counts = count_examples(result)
    return result


def hold_out_training_dev(table: Table, share: float, *, seed: int = 0, largest: int = LARGEST) -> Table:
    """The table with a part of its training rows as the split ``traindev``, which is measured and not trained on.

    Where validation is of another kind than training, the error on it tells variance from data mismatch.

    Args:
        table: with its splits.
        share: of the training rows.
        seed: of the cut.
        largest: number of rows at most.

    Raises:
        DataError: the share is none, or the training rows are too few.
    """
    _require_share("training_dev", share)
    pool = table.splits[_TRAIN]
    if len(pool) < 2:
        raise DataError(f"Table {table.name!r}: {len(pool)} training rows are too few to hold some of them out.")
    num = min(max(1, int(share * len(pool))), largest)
    parts = _Cut.of(table, pool, None).parts([TRAINING_DEV], num=num, seed=seed)
    note = Message("reading.training_dev", count=len(parts[TRAINING_DEV]))
    return _with_parts(table, {**table.splits, **parts}, note)


def train_on_dev(table: Table, share: float, *, seed: int = 0) -> Table:
    """The table with a part of its validation rows in training, where these are of the kind that counts.

    Of few examples of the right kind and many of another, the right ones are best shared out: some train beside the
    others, and only they choose and measure.

    Args:
        table: with a training and a validation split.
        share: of the validation rows.
        seed: of the cut.

    Raises:
        DataError: the share is none, or the validation rows are too few.
    """
    _require_share("train_on_dev", share)
    pool = table.splits.get("val", np.zeros(0, dtype=np.int64))
    num = len(pool) - int(share * len(pool))
    if not 0 < num < len(pool):
        raise DataError(f"Table {table.name!r}: {len(pool)} validation rows are too few to train on some of them.")
    parts = _Cut.of(table, pool, None).parts(["val"], num=num, seed=seed)
    train = np.sort(np.concatenate([table.splits[_TRAIN], parts[_TRAIN]]))
    note = Message("reading.train_on_dev", count=len(parts[_TRAIN]))
    return _with_parts(table, {**table.splits, _TRAIN: train, "val": parts["val"]}, note)


def _require_share(name: str, share: float) -> None:
    if not 0 < share < 1:
        raise DataError(f"{name} is a share of examples between 0 and 1; got {share}.")


def _with_parts(table: Table, splits: Mapping[str, Rows], note: Message) -> Table:
    order = (_TRAIN, TRAINING_DEV, *SPLITS[1:])
    report = replace(table.report, notes=[*table.report.notes, note])
    result = replace(table, splits={name: splits[name] for name in order if name in splits}, report=report)
    report.counts = count_examples(result)
    return result


def _times(table: Table, name: str) -> npt.NDArray[np.float64]:
    """The values of a column that has an order; NaN where there is none."""
    if all(column.name != name for column in table.schema):
        raise UnknownNameError(f"column of {table.name!r}", name, [column.name for column in table.schema])
    column, data = table.schema[name], table.columns[name]
    if column.kind not in (Kind.DATE, Kind.NUMBER) or column.shape or not isinstance(data, Dense):
        raise UsageError(
            f"time_column must be of dates or numbers; {name!r} of {table.name!r} holds {column.kind.value}. Say what "
            f"it is: kinds={{{name!r}: 'date'}} (--kind {name}=date)."
        )
    if groups := table.schema.with_role(Role.GROUP):
        raise UsageError(
            f"Rows are cut in the order of {name!r} or by the groups of {groups[0].name!r}, not by both; leave one out."
        )
    return data.values.astype(np.float64)


def _latest(pool: Rows, times: npt.NDArray[np.float64], names: list[str], num: int, table: str) -> dict[str, Rows]:
    """The rows of train and of each named part, about ``num`` each, one later than the other."""
    order = np.argsort(np.nan_to_num(times, nan=-np.inf), kind="stable")
    values = np.nan_to_num(times, nan=-np.inf)[order]
    bounds = [len(pool)]
    for _ in names:
        # The first row of its moment, so that no moment is cut in two.
        bounds.append(int(np.searchsorted(values, values[max(bounds[-1] - num, 0)], side="left")))
    if bounds[-1] == 0 or values[bounds[-1]] == -np.inf:
        raise DataError(
            f"Table {table!r}: too few different times to cut {' and '.join(names)} from; give the splits yourself."
        )
    bounds = [0, *bounds[::-1]]
    return {
        name: np.sort(pool[order[start:end]]) for name, start, end in zip((_TRAIN, *names), bounds[:-1], bounds[1:])
    }


def rows_from(table: Table, source: str) -> npt.NDArray[np.bool_]:
    """Which rows are of a source: ``"COLUMN=VALUE"``, or a pattern of the names of rows, such as ``"app/*"``.

    Raises:
        UsageError: there is no such column or value, or no row of such a name.

    Shapes:
        → ``(N,)``.
    """
    column, sign, value = source.partition("=")
    if not sign:
        found = np.array([fnmatchcase(name, source) for name in table.row_names or ()], dtype=bool)
        if not found.any():
            like = ", ".join(map(repr, (table.row_names or ())[:3])) or "numbers"
            raise UsageError(f"dev_from={source!r} names no row of {table.name!r}, whose rows are called {like}, …")
        return found
    data, about = table[column], table.schema[column]
    if not isinstance(data, Dense) or about.classes is None or value not in about.classes:
        there = ", ".join(map(repr, (about.classes or ())[:10])) or f"{about.kind.value}s"
        raise UsageError(
            f"dev_from={source!r}: the column {column!r} must hold {value!r} as a category; it holds {there}."
        )
    return np.asarray(data.values == about.classes.index(value))


def _by_source(table: Table, pool: Rows, source: str, num: int) -> tuple[Rows, Rows]:
    """The rows of a pool that are of a source, and the others."""
    is_of = rows_from(table, source)[pool]
    measured, others = pool[is_of], pool[~is_of]
    if len(measured) <= num or not len(others):
        raise UsageError(
            f"dev_from={source!r} must be some of the rows, more than {num}, and not all; they are {len(measured)} of "
            f"{len(pool)}."
        )
    for column in table.schema.with_role(Role.GROUP):
        units, _ = _units(table, np.concatenate([measured, others]), None)
        if np.isin(units[: len(measured)], units[len(measured) :]).any():
            raise UsageError(
                f"dev_from={source!r} parts groups of {column.name!r}, which must stay together; leave one of both out."
            )
    return measured, others


def count_examples(table: Table) -> dict[str, dict[str, int]]:
    """Examples per class in each split; without classes the number of rows stands under an empty name."""
    column = next((c for c in table.targets if c.kind is Kind.CATEGORY and c.classes is not None), None)
    counts = {}
    for split, rows in table.splits.items():
        data = table.columns[column.name] if column is not None else None
        if column is None or column.classes is None or not isinstance(data, Dense):
            counts[split] = {"": len(rows)}
            continue
        values = data.take(rows)
        # A row of several labels holds 0 or 1 for each of them.
        totals = (
            values.sum(axis=0) if values.ndim == 2 else np.bincount(values[values >= 0], minlength=len(column.classes))
        )
        counts[split] = {name: int(n) for name, n in zip(column.classes, totals)}
    return counts


def _check(table: Table) -> None:
    unknown = [name for name in table.splits if name not in SPLITS]
    if unknown:
        raise DataError(
            f"Table {table.name!r}: splits are named train, val and test; got {', '.join(map(repr, unknown))}."
        )
    filled = [name for name, rows in table.splits.items() if len(rows)]
    together = (
        np.concatenate([np.asarray(table.splits[name]) for name in filled]) if filled else np.zeros(0, dtype=np.int64)
    )
    if len(np.unique(together)) < len(together):
        raise DataError(f"Table {table.name!r}: each row may belong to one split; some belong to two.")


def answered_rows(table: Table) -> npt.NDArray[np.bool_]:
    """Which rows have all their targets.

    Shapes:
        → ``(N,)``.
    """
    usable = np.ones(len(table), dtype=bool)
    for _, missing in _missing_targets(table):
        usable &= ~missing
    return usable


def _missing_targets(table: Table) -> Iterator[tuple[Column, npt.NDArray[np.bool_]]]:
    """Each target of dense values, and the rows that lack it."""
    for column in table.targets:
        data = table.columns[column.name]
        if isinstance(data, Dense):
            values = data.values.reshape(len(table), -1)
            missing = np.zeros(len(table), dtype=bool)
            if column.kind is Kind.CATEGORY:
                missing |= (values < 0).any(axis=1)
            if values.dtype.kind == "f":
                missing |= np.isnan(values).any(axis=1)
            yield column, missing


def _rows_with_targets(table: Table, report: DataReport) -> npt.NDArray[np.bool_]:
    """Which rows have all targets; the others are reported."""
    usable = np.ones(len(table), dtype=bool)
    for column, missing in _missing_targets(table):
        for row in np.flatnonzero(missing & usable).tolist():
            where = f"row {row}" if table.row_names is None else table.row_names[row]
            report.add(where, Outcome.SKIPPED, Message("reading.missing_target_row", column=column.name))
        usable &= ~missing
    return usable


@dataclass(frozen=True)
class _Cut:
    """What is cut: units of rows that stay together, and the class of each.

    Args:
        rows: of the pool, sorted by unit.
        starts: place in ``rows`` where each unit begins, and one after the last: ``(units + 1,)``.
        classes: of each row, in the order of ``rows``; None where the target is no class.
        strata: the class of each unit, all 0 where no proportion is kept.
        how: clauses about it for people.
    """

    rows: Rows
    starts: npt.NDArray[np.int64]
    classes: npt.NDArray[np.int64] | None
    strata: npt.NDArray[np.int64]
    how: tuple[str, ...]

    @classmethod
    def of(cls, table: Table, pool: Rows, first: Rows | None) -> _Cut:
        units, clause = _units(table, pool, first)
        how = [clause] if clause else []
        order = np.argsort(units, kind="stable")
        starts = np.flatnonzero(np.diff(units[order], prepend=-1))
        strata = np.zeros(len(starts), dtype=np.int64)
        target = _stratifying(table)
        classes = None if target is None else table.columns[target.name].take(pool)[order]
        if classes is not None:
            alike = (np.minimum.reduceat(classes, starts) == np.maximum.reduceat(classes, starts)).all()
            if alike or not table.schema.with_role(Role.GROUP):
                strata = classes[starts]
                how.insert(0, Message("reading.in_proportion"))
            else:
                # Groups of several classes each go by the commonest, which is as near as whole groups come to it.
                commonest = _commonest_classes(classes, starts)
                if (
                    np.bincount(commonest - commonest.min())[np.unique(commonest - commonest.min())].min()
                    >= _FEW_GROUPS
                ):
                    strata = commonest
                    how.insert(0, Message("reading.in_near_proportion"))
        return cls(pool[order], np.append(starts, len(pool)), classes, strata, tuple(how))

    def parts(self, names: list[str], num: int, seed: int) -> dict[str, Rows]:
        """The rows of train and of each named part, about ``num`` each."""
        sizes = np.diff(self.starts)
        part_of = np.zeros(len(sizes), dtype=np.int64)  # 0 is train, i + 1 is names[i]
        order = permutation(seed, "splits", 0, len(sizes))
        # A unit of one row is not too large for what is left.
        several = np.flatnonzero(sizes > 1)
        chances = np.zeros(len(sizes), dtype=np.float32)
        chances[several] = uniforms(seed, "split of a unit", 0, several, 1)[:, 0]
        place = self.strata - self.strata.min()
        place = (np.cumsum(np.bincount(place) > 0) - 1)[place]
        totals = np.bincount(place, weights=sizes).astype(np.int64)
        quotas = _quotas(totals, num, len(names), seed)
        by_stratum = order[np.argsort(place[order], kind="stable")]
        for units, quota in zip(np.split(by_stratum, np.cumsum(np.bincount(place))[:-1]), quotas, strict=True):
            part_of[units] = _fill(sizes[units], quota.tolist(), chances[units])
        self._train_every_class(part_of, sizes, order)
        self._leave_none_empty(part_of, sizes, order, names)
        rows_part = np.repeat(part_of, sizes)
        return {name: np.sort(self.rows[rows_part == i]) for i, name in enumerate((_TRAIN, *names))}

    def _train_every_class(self, part_of: Rows, sizes: Rows, order: Rows) -> None:
        """Gives train a unit of each class of which it has none, as happens where units hold several classes."""
        if self.classes is None:
            return
        unit_of = np.repeat(np.arange(len(sizes)), sizes)
        lacking = np.setdiff1d(self.classes, self.classes[part_of[unit_of] == 0])
        for number in lacking.tolist():
            holding = np.unique(unit_of[self.classes == number])
            chosen = order[np.isin(order, holding)]
            if not (part_of[chosen] == 0).any():
                part_of[chosen[np.argmin(sizes[chosen])]] = 0

    def _leave_none_empty(self, part_of: Rows, sizes: Rows, order: Rows, names: list[str]) -> None:
        """Moves the smallest unit of train to a part that got nothing, as happens where all units are large."""
        for number, name in enumerate(names, start=1):
            if (part_of == number).any():
                continue
            train = order[part_of[order] == 0]
            if len(train) < 2:
                raise DataError(
                    f"The rows fall into {len(sizes)} groups that must stay together, too few to cut {name} from: "
                    f"at least {len(names) + 1} are required. Give the splits yourself or add examples."
                )
            in_class = np.bincount(self.strata[train] - self.strata.min())[self.strata[train] - self.strata.min()]
            # The smallest unit, of the class that has most left.
            part_of[train[np.lexsort((-in_class, sizes[train]))[0]]] = number


def _commonest_classes(classes: npt.NDArray[np.int64], starts: Rows) -> npt.NDArray[np.int64]:
    """The class that occurs most often in each unit.

    Shapes:
        classes ``(N,)``, starts ``(units,)`` → ``(units,)``.
    """
    unit = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(classes))))
    pairs, counts = np.unique(np.stack([unit, classes]), axis=1, return_counts=True)
    # By unit, the commonest first.
    order = np.lexsort((-counts, pairs[0]))
    _, first = np.unique(pairs[0][order], return_index=True)
    return np.asarray(pairs[1][order][first], dtype=np.int64)


def _quotas(totals: Rows, num: int, num_parts: int, seed: int) -> npt.NDArray[np.int64]:
    """Rows that each part takes of each class: in proportion, rounded by the seed.

    What all parts together take of a class is rounded first, so that classes of equal size keep equally many for
    training, up to one. A class keeps at least one row in train.

    Shapes:
        totals ``(classes,)`` → ``(classes, num_parts)``.
    """
    held = _shared_out(min(num * num_parts, int((totals - 1).sum())), totals, seed)
    quotas = np.repeat(held[:, None] // num_parts, num_parts, axis=1)
    if num_parts == 1:
        return quotas
    # A row that is left over goes to one of the parts, so that each gets its number.
    odd = np.flatnonzero(held % num_parts)
    odd = odd[permutation(seed, "split of what is left", 0, len(odd))]
    to_first = min(max(num - int(quotas[:, 0].sum()), len(odd) // 2), len(odd))
    quotas[odd[:to_first], 0] += 1
    quotas[odd[to_first:], 1] += 1
    return quotas


def _shared_out(wanted: int, totals: Rows, seed: int) -> Rows:
    """So many rows shared out over classes in proportion to their size; the seed decides which are rounded up.

    By systematic sampling: the fractions are laid one after the other in an order that the seed draws, and a class over
    which a whole number falls gets one more. Each class gets its fraction on average, and the sum is exact.
    """
    result = np.zeros(len(totals), dtype=np.int64)
    order = permutation(seed, "split of classes", 0, len(totals))
    start = generator(seed, "split of fractions")
    open_classes = order[totals[order] > 1]
    while len(open_classes) and wanted > 0:
        whole = int(totals[open_classes].sum())
        exact = totals[open_classes] * wanted  # in units of 1 / whole
        full = exact >= (totals[open_classes] - 1) * whole
        if full.any() and wanted < int((totals[open_classes] - 1).sum()):
            # These cannot give more without losing their last training row; the others make up for them.
            result[open_classes[full]] = totals[open_classes[full]] - 1
            wanted -= int(result[open_classes[full]].sum())
            open_classes = open_classes[~full]
            continue
        bounds = np.concatenate([[0], np.cumsum(exact % whole)]) + int(start.integers(whole))
        more = np.diff(bounds // whole)
        result[open_classes] = np.minimum(exact // whole + more, totals[open_classes] - 1)
        break
    return result


def _fill(sizes: Rows, quota: list[int], chances: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """The part of each unit, in order: units go to the first part that has room, else to train (0).

    A unit that is larger than the room that is left goes there with the probability with which it fits, so that parts
    have their size on average.
    """
    result = np.zeros(len(sizes), dtype=np.int64)
    room, left, unit = list(quota), len(sizes), 0
    # Units of one row go together, up to the next larger one.
    for larger in (*np.flatnonzero(sizes > 1).tolist(), len(sizes)):
        for number, free in enumerate(room):
            num = min(free, larger - unit, left - 1)
            result[unit : unit + num] = number + 1
            room[number], left, unit = free - num, left - num, unit + num
        if larger == len(sizes) or not any(room) or left == 1:
            break
        size, chance, unit = int(sizes[larger]), float(chances[larger]), larger + 1
        for number, free in enumerate(room):
            if size <= free or chance * size < free:
                room[number] = max(0, free - size)
                result[larger] = number + 1
                left -= 1
                break
    return result


def _units(table: Table, pool: Rows, first: Rows | None) -> tuple[npt.NDArray[np.int64], str]:
    """The number of the unit that each row of the pool belongs to, and a clause about it."""
    groups = table.schema.with_role(Role.GROUP)
    if groups:
        data = table.columns[groups[0].name]
        values = data.texts(pool) if not isinstance(data, Dense) else data.take(pool)  # type: ignore[attr-defined]
        _, numbers = np.unique(np.asarray(values), return_inverse=True, axis=0)
        return numbers.reshape(-1), Message("reading.groups_together", column=groups[0].name)
    equal = (first_equal_rows(table) if first is None else first)[pool]
    if (np.diff(equal) > 0).all():
        return np.arange(len(pool)), ""
    distinct, units = np.unique(equal, return_inverse=True)
    if len(distinct) == len(pool):
        return units, ""
    if len(distinct) < len(pool) * _LARGEST_COPIED_SHARE:
        return np.arange(len(pool)), ""
    return units, Message("reading.equal_together")


def _stratifying(table: Table) -> Column | None:
    """The one target whose classes are kept in proportion."""
    if len(table.targets) != 1 or table.targets[0].kind is not Kind.CATEGORY or table.targets[0].shape:
        return None
    return table.targets[0] if isinstance(table.columns[table.targets[0].name], Dense) else None


def _sentence(
    wanted: Sequence[str], parts: Mapping[str, Rows], given: Mapping[str, Rows], clauses: Sequence[str], seed: int
) -> str:
    cuts = [Message("reading.split_of_size", split=name, count=len(parts[name])) for name in wanted]
    source = Message("reading.from_train" if given else "reading.from_all", count=len(parts[_TRAIN]))
    how = ""
    for clause in clauses:
        how = Message("reading.comma", first=how, second=clause)
    if len(cuts) == 1:
        return Message("reading.cut_one", first=cuts[0], source=source, seed=seed, how=how)
    return Message("reading.cut_two", first=cuts[0], second=cuts[1], source=source, seed=seed, how=how)


def cut_folds(table: Table, rows: Rows, num: int, *, seed: int = 0, first: Rows | None = None) -> list[Rows]:
    """Rows in parts of about equal size, each class in proportion, copies and groups together.

    Args:
        table: whose rows they are.
        rows: to be cut, all with a target.
        num: of parts.
        seed: of the cut.
        first: what `first_equal_rows` gave, if it is known already.

    Raises:
        DataError: fewer than two parts, or too few rows.

    Example:
        >>> from derin.data.schema import Schema
        >>> schema = Schema((Column(name="x", kind=Kind.NUMBER, role=Role.INPUT),))
        >>> table = Table(name="t", schema=schema, columns={"x": Dense(np.arange(7.0))}, splits={})
        >>> [len(part) for part in cut_folds(table, np.arange(7), 3)]
        [3, 2, 2]
    """
    if num < 2 or len(rows) < num:
        raise DataError(f"Table {table.name!r}: 2 folds or more, and a row for each, are required; got {num} folds.")
    names = [f"fold {number}" for number in range(1, num)]
    return list(_Cut.of(table, rows, first).parts(names, num=len(rows) // num, seed=seed).values())
