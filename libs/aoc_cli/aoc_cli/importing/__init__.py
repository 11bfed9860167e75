"""Reading exported logs: recognise the kind by content, stream the records, publish them as raw pages."""
