"""Records: tables and the questions asked of them. Knows no letter, no door and no decision."""
