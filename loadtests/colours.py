"""What figures are drawn in: Okabe and Ito's colours, which the colour-blind tell apart, on white and on black.

https://jfly.uni-koeln.de/color
"""

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
COLOURS = (BLUE, ORANGE, GREEN, RED, "#CC79A7", "#56B4E9", "#000000", "#999999", "#F0E442")
