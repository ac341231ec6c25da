"""What Derin says of points in pictures in Turkish."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    "task.landmarks": "belirgin noktalar (landmarks)",
    "metric.nme": "normalleştirilmiş ortalama hata (NME)",
    "metric.nme_median": "NME'nin medyanı",
    "metric.pck": "onda bir yakınlıktaki noktalar (PCK)",
    "metric.presence_accuracy": "var mı, doğru yanıt",
    "points.heading": "Noktalar",
    "points.of_points": "Hatalar, bir resmin noktalarını çevreleyen kutunun köşegenine bölünür; onda bir de onundur.",
    "points.of_picture": "Hatalar resmin köşegenine bölünür; onda bir de onundur.",
    "points.of_two": "Hatalar {first} ile {second} noktalarının arasındaki uzaklığa bölünür; onda bir de onundur.",
    "points.baseline": "{split} bölümünde eğitimin ortalama şekli resmin içinde {mean_shape:.1%}, doğru noktaları "
    "çevreleyen kutunun içinde {mean_shape_in_box:.1%} NME'ye ulaşır.",
    "points.curve": "Her hataya kadar resimlerin payı",
    "points.along": "bir resmin NME'si, %",
    "points.at": "resimlerin {share} kadarının NME'si en çok % {along}",
    "points.per_point": "{split} bölümünde noktaların her biri",
    "points.name": "nokta",
    "points.count": "resim",
    "points.worst": "Noktaların en uzak düştüğü yerler",
    "points.legend": "Her resim ağın gördüğü gibi: noktaların yeri ve ağın yanıtı.",
    "points.none": "orada değil",
    "assumed.points": (", {count:,} nokta", ", {count:,} nokta"),
}
