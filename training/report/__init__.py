"""One report on the shipped models: figures, plots, failures, and the scores that the cards are checked against."""
