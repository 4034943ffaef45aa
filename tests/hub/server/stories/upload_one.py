"""`python upload_one.py REPO FILE PATH`: one upload by a client that is told the endpoint alone."""

import sys

from huggingface_hub import HfApi

api = HfApi()
api.create_repo(sys.argv[1], exist_ok=True)
api.upload_file(repo_id=sys.argv[1], path_or_fileobj=sys.argv[2], path_in_repo=sys.argv[3])
