"""One module per `caifeng` command; `caifeng/cli.py` lists them."""
