"""Where the slides on the 3-3-3-3 example go wrong: what is printed, what is right, and why.

Only what is printed stands here as a number; all others are computed. The errors build on one another, so two answers
matter: what the same line gives when its one slip is mended and the numbers before it are left as printed (`mended`),
and what the quantity is when everything before it is right too (`right`, for the loss that the slides write down).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from derin.core.messages import language
from derin.explain.trace.examples import Array, Layer, WorkedExample, sigmoid, softmax


@dataclass(frozen=True)
class InTwoLanguages:
    """A sentence in English and in Turkish; `str` gives the one that is spoken."""

    en: str
    tr: str

    def __str__(self) -> str:
        return self.tr if language() == "tr" else self.en


@dataclass(frozen=True, kw_only=True)
class Erratum:
    """One place where the slides are wrong.

    Args:
        slide: its number in document 004.
        quantity: what is computed there.
        printed: the numbers, or the formula, that the slide has.
        mended: the numbers after this slip alone is mended; None where that is no other number, or no number at all.
        right: the right numbers out of the worked example, or the right formula.
        reason: how the wrong number came about, or what is wrong with it.
    """

    slide: int
    quantity: str
    printed: tuple[float, ...] | str
    mended: Callable[[WorkedExample], Array] | None = None
    right: Callable[[WorkedExample], Array] | str
    reason: InTwoLanguages


# What the slides print and go on with, one array a line.
SLIDE_LOGITS = np.array([1.8658, 2.2292, 2.8204])
SLIDE_OUTPUT = np.array([0.2698, 0.3223, 0.4078])
SLIDE_D_OUTPUT = np.array([-3.70644, -1.4755, -1.6886])
SLIDE_SOFTMAX_SLOPE = np.array([0.15911, 0.2040, 0.3685])
SLIDE_H2_OUT = np.array([0.938, 0.94, 0.98])
SLIDE_D_H2 = np.array([-0.8903, -0.74218, -1.0810])
SLIDE_SIGMOID_SLOPE = np.array([0.058156, 0.0564, 0.0196])
SLIDE_GRADIENT = {
    "kl": np.array([[-0.5531, -0.0576, -0.5836], [-0.554347, -0.0577, -0.5849], [-0.577937, -0.06017, -0.6098]]),
    "jk": np.array([[-0.06989, -0.0565, -0.0286], [-0.06575, -0.05316, -0.0269], [-0.0932, -0.0753, -0.03813]]),
    "ij": np.array([[-0.001035, -0.00209, -0.00169], [-0.00207, -0.00418, -0.00338], [-0.007245, -0.01463, -0.01183]]),
}
SLIDE_NEW_WEIGHTS = {
    "kl": np.array([[0.105531, 0.400576, 0.805836], [0.30055, 0.700577, 0.2005849], [0.5005779, 0.2006017, 0.9006098]]),
    "jk": np.array([[0.2006989, 0.300565, 0.500286], [0.3006575, 0.5005316, 0.700269], [0.600932, 0.400753, 0.803813]]),
    "ij": np.array(
        [[0.10001035, 0.2000209, 0.3000169], [0.3000207, 0.2000418, 0.7000338], [0.40007245, 0.3001463, 0.9001183]]
    ),
}


def _layer(worked: WorkedExample, name: str) -> Layer:
    return worked.backward["binary"].layer(name)


def _column_of_products(worked: WorkedExample, output: int) -> Array:
    """w_kl · ∂E/∂z for one output: what it sends back to each unit of the second hidden layer."""
    layer = _layer(worked, "kl")
    return np.asarray(layer.weights[:, output] * layer.delta[output])


def _mended_products(worked: WorkedExample, output: int) -> Array:
    return np.asarray(worked.weights["kl"][:, output] * SLIDE_D_OUTPUT[output] * SLIDE_SOFTMAX_SLOPE[output])


def _mended_weight(worked: WorkedExample, name: str, row: int, column: int) -> Array:
    step = worked.learning_rate * SLIDE_GRADIENT[name][row, column]
    return np.array([worked.weights[name][row, column] - step])


def _new_weight(worked: WorkedExample, name: str, row: int, column: int) -> Array:
    return np.array([_layer(worked, name).new_weights[row, column]])


def _slipped(slide: int, quantity: str, printed: float, row: int, column: int) -> Erratum:
    """A new weight of the output layer whose decimals slipped."""
    return Erratum(
        slide=slide,
        quantity=quantity,
        printed=(printed,),
        mended=partial(_mended_weight, name="kl", row=row, column=column),
        right=partial(_new_weight, name="kl", row=row, column=column),
        reason=InTwoLanguages(
            "A zero too many: the step was added one decimal place too far to the right.",
            "Bir sıfır fazla: adım, bir ondalık basamak fazla sağa eklenmiş.",
        ),
    )


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        slide=3,
        quantity="w(k+1)",
        printed="w(k) + η ∂E/∂w",
        right="w(k) − η ∂E/∂w",
        reason=InTwoLanguages(
            "Plus climbs the loss; slides 13, 19 and 23 subtract, as they should.",
            "Artı işareti kaybı büyütür; 13, 19 ve 23. slaytlar doğru olarak çıkarıyor.",
        ),
    ),
    Erratum(
        slide=6,
        quantity="h2_in3",
        printed=(4.001,),
        right=lambda worked: worked.h2_in[2:],
        reason=InTwoLanguages(
            "0.675 + 0.889 + 1.44 + 1 is 4.004.",
            "0,675 + 0,889 + 1,44 + 1 toplamı 4,004 eder.",
        ),
    ),
    Erratum(
        slide=7,
        quantity="z",
        printed=tuple(SLIDE_LOGITS.tolist()),
        right=lambda worked: worked.logits,
        reason=InTwoLanguages(
            "The sigmoids were cut to 0.938, 0.94 and 0.98 (they are 0.938831, 0.940476, 0.982084) and carried on so.",
            "Sigmoid çıkışları 0,938, 0,94 ve 0,98 diye kesilip (asılları 0,938831, 0,940476, 0,982084) sürdürülmüş.",
        ),
    ),
    Erratum(
        slide=7,
        quantity="softmax(z)",
        printed=tuple(SLIDE_OUTPUT.tolist()),
        mended=lambda worked: softmax(SLIDE_LOGITS),
        right=lambda worked: worked.output,
        reason=InTwoLanguages(
            "The exponential was left out: the three are z over the sum of z.",
            "Üstel alınmamış: üç değer, z'nin z'ler toplamına bölümüdür.",
        ),
    ),
    Erratum(
        slide=8,
        quantity="−log o_1, −log(1−o_2), −log(1−o_3)",
        printed=(0.569858, 0.16886, 0.22753),
        mended=lambda worked: -np.log([SLIDE_OUTPUT[0], 1 - SLIDE_OUTPUT[1], 1 - SLIDE_OUTPUT[2]]),
        right=lambda worked: -np.log([worked.output[0], 1 - worked.output[1], 1 - worked.output[2]]),
        reason=InTwoLanguages(
            "Logarithm to base 10; the derivative 1/o that follows is that of the natural one. Even to base 10 the "
            "first two are misread: 0.56896 and 0.16896.",
            "10 tabanında logaritma; ardından gelen 1/o türevi doğal logaritmanındır. 10 tabanında bile ilk ikisi "
            "yanlış okunmuş: 0,56896 ve 0,16896.",
        ),
    ),
    Erratum(
        slide=8,
        quantity="E",
        printed=(0.97,),
        mended=lambda worked: np.array([-np.log(SLIDE_OUTPUT[0]) - np.log(1 - SLIDE_OUTPUT[1:]).sum()]),
        right=lambda worked: np.array([worked.backward["binary"].loss]),
        reason=InTwoLanguages(
            "The sum of the three before. The loss that belongs to softmax is the categorical one, −ln o_1.",
            "Önceki üçünün toplamı. Softmax'a ait olan kayıp ise kategorik olandır: −ln o_1.",
        ),
    ),
    Erratum(
        slide=9,
        quantity="∂o/∂z",
        printed="∂o_j/∂z_j",
        right="∂o_i/∂z_j = o_i (δ_ij − o_j)",
        reason=InTwoLanguages(
            "Every output of a softmax depends on every z; slides 9 to 18 keep only the diagonal of the Jacobian. "
            "∂E/∂z_j is a sum over all three outputs.",
            "Softmax'ın her çıkışı her z'ye bağlıdır; 9–18. slaytlar Jacobi matrisinin yalnız köşegenini tutuyor. "
            "∂E/∂z_j üç çıkışın hepsi üzerinden bir toplamdır.",
        ),
    ),
    Erratum(
        slide=10,
        quantity="∂E/∂o",
        printed="−[y/o + (1 − y)/(1 − o)]",
        right="−[y/o − (1 − y)/(1 − o)]",
        reason=InTwoLanguages(
            "The derivative of ln(1 − o) is −1/(1 − o): the inner minus is missing.",
            "ln(1 − o) türevi −1/(1 − o)'dur: iç türevin eksisi unutulmuş.",
        ),
    ),
    Erratum(
        slide=11,
        quantity="∂E/∂o",
        printed=tuple(SLIDE_D_OUTPUT.tolist()),
        mended=lambda worked: np.array([-1 / SLIDE_OUTPUT[0], *(1 / (1 - SLIDE_OUTPUT[1:]))]),
        right=lambda worked: worked.backward["binary"].d_output,
        reason=InTwoLanguages(
            "With the sign of slide 10, two outputs that should fall are pushed up.",
            "10. slayttaki işaretle, düşmesi gereken iki çıkış yukarı itiliyor.",
        ),
    ),
    Erratum(
        slide=11,
        quantity="∂E/∂z",
        printed=tuple((SLIDE_D_OUTPUT * SLIDE_SOFTMAX_SLOPE).round(5).tolist()),
        right=lambda worked: _layer(worked, "kl").delta,
        reason=InTwoLanguages(
            "What the slide's two columns multiply to. Of the right ones two are positive: those outputs must fall.",
            "Slaytın iki sütununun çarpımı. Doğru değerlerden ikisi pozitiftir: o çıkışlar düşmelidir.",
        ),
    ),
    Erratum(
        slide=11,
        quantity="∂o_3/∂z_3",
        printed=(0.3685,),
        mended=lambda worked: (lambda o: o[2:] * (1 - o[2:]))(softmax(SLIDE_LOGITS)),
        right=lambda worked: worked.output[2:] * (1 - worked.output[2:]),
        reason=InTwoLanguages(
            "In the numerator e^z_1 + e^z_3 stands for e^z_1 + e^z_2. The first two are right, which shows that the "
            "exponentials were at hand.",
            "Kesrin üstünde e^z_1 + e^z_2 yerine e^z_1 + e^z_3 var. İlk ikisi doğru; demek ki üsteller eldeymiş.",
        ),
    ),
    Erratum(
        slide=12,
        quantity="∂E/∂W_kl[·, 2]",
        printed=(-0.0576, -0.0577, -0.06017),
        mended=lambda worked: SLIDE_D_OUTPUT[1] * SLIDE_SOFTMAX_SLOPE[1] * SLIDE_H2_OUT,
        right=lambda worked: _layer(worked, "kl").gradient[:, 1],
        reason=InTwoLanguages(
            "The factor 0.204 was multiplied in twice.",
            "0,204 çarpanı iki kez çarpılmış.",
        ),
    ),
    _slipped(13, "W_k2l1", 0.30055, 1, 0),
    _slipped(13, "W_k2l3", 0.2005849, 1, 2),
    _slipped(13, "W_k3l1", 0.5005779, 2, 0),
    _slipped(13, "W_k3l3", 0.9006098, 2, 2),
    Erratum(
        slide=15,
        quantity="∂h2_out/∂h2_in",
        printed="σ(h2_in1)(1 − σ(h2_in1)) ×3",
        right="σ(h2_in,k)(1 − σ(h2_in,k)), k = 1, 2, 3",
        reason=InTwoLanguages(
            "All three rows carry the index 1; the numbers below are those of 1, 2 and 3.",
            "Üç satırın üçünde de indis 1; altındaki sayılar ise 1, 2 ve 3'ünküler.",
        ),
    ),
    Erratum(
        slide=15,
        quantity="∂h2_out/∂h2_in",
        printed=tuple(SLIDE_SIGMOID_SLOPE.tolist()),
        mended=lambda worked: (lambda s: s * (1 - s))(sigmoid(np.array([2.73, 2.76, 4.001]))),
        right=lambda worked: _layer(worked, "jk").slope,
        reason=InTwoLanguages(
            "Computed from the sigmoids that were cut to two or three digits, which makes the third 11 % too large.",
            "İki üç basamağa kesilmiş sigmoid değerleriyle hesaplanmış; üçüncüsü %11 fazla.",
        ),
    ),
    Erratum(
        slide=18,
        quantity="∂E_2/∂h2_out",
        printed=(-0.2383, -0.417, -0.119),
        mended=partial(_mended_products, output=1),
        right=partial(_column_of_products, output=1),
        reason=InTwoLanguages(
            "0.4038 was multiplied instead of the 0.2040 that stands there.",
            "Orada yazan 0,2040 yerine 0,4038 ile çarpılmış.",
        ),
    ),
    Erratum(
        slide=18,
        quantity="∂E_3/∂h2_out",
        printed=(-0.5931, -0.14828, -0.667),
        mended=partial(_mended_products, output=2),
        right=partial(_column_of_products, output=2),
        reason=InTwoLanguages(
            "0.4391 was multiplied instead of the 0.3685 that stands there.",
            "Orada yazan 0,3685 yerine 0,4391 ile çarpılmış.",
        ),
    ),
    Erratum(
        slide=18,
        quantity="∂E/∂h2_out",
        printed=tuple(SLIDE_D_H2.tolist()),
        mended=lambda worked: worked.weights["kl"] @ (SLIDE_D_OUTPUT * SLIDE_SOFTMAX_SLOPE),
        right=lambda worked: _layer(worked, "jk").above,
        reason=InTwoLanguages(
            "Sums of wrong products (and the third sum is 1.0808, not 1.0810). The right gradients are positive: the "
            "slides move the weights of both hidden layers the wrong way.",
            "Yanlış çarpımların toplamları (üçüncü toplam da 1,0810 değil 1,0808). Doğru gradyanlar pozitiftir: "
            "slaytlar iki gizli katmanın ağırlıklarını ters yöne götürüyor.",
        ),
    ),
    Erratum(
        slide=19,
        quantity="W_j3k3",
        printed=(0.803813,),
        mended=partial(_mended_weight, name="jk", row=2, column=2),
        right=partial(_new_weight, name="jk", row=2, column=2),
        reason=InTwoLanguages(
            "A zero too few: 0.01 · 0.03813 is 0.0003813.",
            "Bir sıfır eksik: 0,01 · 0,03813 = 0,0003813.",
        ),
    ),
    Erratum(
        slide=22,
        quantity="∂E/∂h1_out",
        printed=(-0.01035, -0.0209, -0.0169),
        mended=lambda worked: worked.weights["jk"] @ (SLIDE_D_H2 * SLIDE_SIGMOID_SLOPE),
        right=lambda worked: _layer(worked, "ij").above,
        reason=InTwoLanguages(
            "Only the diagonal of W_jk was used; each unit reaches the loss through all three units of the next layer.",
            "W_jk'nın yalnız köşegeni kullanılmış; her birim kayba sonraki katmanın üç biriminin hepsinden ulaşır.",
        ),
    ),
    Erratum(
        slide=23,
        quantity="∂E/∂W_i1j2",
        printed="∂E/∂h1_out1 · ∂h1_out1/∂h1_in2 · ∂h1_in2/∂W_i1j2",
        right="∂E/∂h1_out2 · ∂h1_out2/∂h1_in2 · ∂h1_in2/∂W_i1j2",
        reason=InTwoLanguages(
            "Rows and columns are exchanged in the general matrix (on slide 21 every index is 1); as printed the "
            "middle factor would be 0. The numbers below it are placed rightly.",
            "Genel matriste satır ve sütun yer değiştirmiş (21. slaytta bütün indisler 1); yazıldığı gibi ortadaki "
            "çarpan 0 olurdu. Altındaki sayılar doğru yerde.",
        ),
    ),
    Erratum(
        slide=24,
        quantity="b_j, b_k, b_l",
        printed="—",
        right=lambda worked: np.concatenate([_layer(worked, name).new_biases for name in ("ij", "jk", "kl")]),
        reason=InTwoLanguages(
            "The biases are never updated. The gradient of a bias is ∂E/∂(weighted sum), the factor that all weights "
            "of its column share.",
            "Bias'lar hiç güncellenmemiş. Bir bias'ın gradyanı ∂E/∂(ağırlıklı toplam), yani sütunundaki bütün "
            "ağırlıkların ortak çarpanıdır.",
        ),
    ),
)
