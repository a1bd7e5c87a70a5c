"""City lifelines, project 2 of the plan (城市生命线实时监测): six lines and the weather they answer to.

Led by the municipal commission of public utilities with the emergency office; named in the 2012 meeting record and in
the founding speech (domain reference, sections 4 and 9).
"""
