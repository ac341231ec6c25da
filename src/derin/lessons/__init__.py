"""The course's fundamentals as short programs on the product's own parts; `registry.LESSONS` lists them."""
