"""Fields of the real sky with catalogue truth: images of sky surveys, star catalogues, and masks made from both."""
