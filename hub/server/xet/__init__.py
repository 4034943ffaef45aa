"""The write half of Xet, so that clients with hf-xet can upload as they are.

They send chunks packed in xorbs, then shards that say how files are made of chunks. Each file
is put together at once and becomes an ordinary blob; downloads know nothing of Xet.
"""
