"""Letters: rendering, composing, carrying and reading them. Knows no table and no door."""
