"""From a document to an article's score and its views. The model is handed in; nothing here knows where it comes from."""
