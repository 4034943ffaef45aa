"""A model behind an address: an existing engine as a child, a gateway before it, a page.

The gateway imports no torch; what does runs in the engine's process.

The page is three files that the gateway sends, and no Gradio: that would bring a second server
with a queue, an upload folder and calls home of its own, and many packages, to do what a form,
`fetch` and the same interface as everybody's do here.
"""
