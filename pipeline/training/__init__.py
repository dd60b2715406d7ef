"""How the committed models are made again, bit for bit: `python -m pipeline.train`."""
