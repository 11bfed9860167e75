"""From a draft to what is stored and published: the OCSF event and its sentence, within bounds."""
