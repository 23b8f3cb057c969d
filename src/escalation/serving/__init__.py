"""The REST service: FastAPI in front, processes with the model behind, and a queue between that makes batches."""
