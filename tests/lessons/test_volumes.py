"""Parameters and shapes of the course's table, and the comparison with a dense layer."""

from __future__ import annotations

from derin.lessons.volumes import VolumesOptions, run


def test_the_numbers_are_those_of_the_course() -> None:
    found = run(VolumesOptions()).numbers
    assert found["ten_filters"] == (3 * 3 * 3 + 1) * 10 == 280
    assert found["red_edges"] == [[0, 30, 30, 0]] * 3
    assert [(row["layer"], row["shape"], row["parameters"]) for row in found["table"]] == [
        ("Input", [32, 32, 3], 0),
        ("CONV1", [28, 28, 6], 456),
        ("POOL1", [14, 14, 6], 0),
        ("CONV2", [10, 10, 16], 2_416),
        ("POOL2", [5, 5, 16], 0),
        ("FC3", [120], 48_120),
        ("FC4", [84], 10_164),
        ("Softmax", [10], 850),
    ]
    assert [row["size"] for row in found["table"]] == [3072, 4704, 1176, 1600, 400, 120, 84, 10]


def test_a_dense_layer_costs_millions_where_a_convolution_costs_hundreds() -> None:
    compared = run(VolumesOptions()).numbers["compared"]
    assert compared["dense"] == {"parameters": 3072 * 4704 + 4704, "connections": 3072 * 4704}
    assert compared["convolution"] == {"parameters": 456, "connections": 4704 * 75}
    own = run(VolumesOptions(side=9, channels=2, filters=5, filter_size=3)).numbers["compared"]
    assert own["dense"]["parameters"] == 162 * 245 + 245
    assert own["convolution"] == {"parameters": (18 + 1) * 5, "connections": 7 * 7 * 5 * 18}
