"""What Derin says of points in pictures in Turkish."""

from __future__ import annotations

from derin.core.messages import CatalogEntry

MESSAGES: dict[str, CatalogEntry] = {
    "task.landmarks": "belirgin noktalar (landmarks)",
    "metric.nme": "NME",
    "metric.nme_median": "NME, medyan",
    "metric.pck": "PCK (onda bir yakınlıkta)",
    "metric.presence_accuracy": "var mı, doğru yanıt",
    "points.heading": "Noktalar",
    "points.nme": "NME bir resmin noktalarının ortalama hatasıdır; PCK, en çok onda bir uzağa düşen noktaların payı.",
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
