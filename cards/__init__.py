"""Records and what is made from them: cards, figures, audit. Imports nothing of ours."""
