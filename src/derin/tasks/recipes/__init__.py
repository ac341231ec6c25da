"""Settings that train well at first try, by network and by what is known of the data; whatever the user says wins."""

from derin.tasks.recipes.facts import Facts, Recipe, facts_of
from derin.tasks.recipes.finetuning import finetuning_recipe
from derin.tasks.recipes.table import RECIPES, recipe

__all__ = ["RECIPES", "Facts", "Recipe", "facts_of", "finetuning_recipe", "recipe"]
