"""Names that tell what a column is for, in English and Turkish, the likeliest first; capital letters do not matter."""

from __future__ import annotations

# What is to be predicted, in a table.
TARGET_NAMES = (
    "target",
    "label",
    "survived",
    "species",
    "median_house_value",
    "medv",
    "saleprice",
    "diagnosis",
    "outcome",
    "churn",
    "class",
    "y",
    "sentiment",
    "category",
    "hedef",
    "etiket",
    "sınıf",
    "labels",
    "genres",
    "tags",
    "etiketler",
    "türler",
)
# Texts, and the class of a text.
TEXT_NAMES = (
    "text", "sentence", "review", "comment", "content", "document", "message", "body", "tweet", "title", "headline",
    "question", "utterance", "metin", "cümle", "yorum", "haber",
)  # fmt: skip
LABEL_NAMES = (
    "label", "class", "category", "sentiment", "target", "topic", "intent", "polarity", "tag", "rating", "stars", "y",
    "etiket", "sınıf", "kategori", "duygu", "konu", "labels", "genres", "tags", "categories", "topics",
    "etiketler", "türler", "kategoriler", "konular",
)  # fmt: skip
# The split of each row.
SPLIT_NAMES = ("split", "subset", "partition")

COMMON_NAMES = frozenset((*TARGET_NAMES, *TEXT_NAMES, *LABEL_NAMES, *SPLIT_NAMES, "id", "name", "date"))
