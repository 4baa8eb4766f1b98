"""STAGE plan to outcomes: sends what the plan says, once each, and settles every unclear answer by asking."""
