"""An embedded server with the HTTP API and the toxics of Toxiproxy 2.12, on asyncio protocols.

Its behaviour was taken from the original (github.com/Shopify/toxiproxy, v2.12.0) and is compared with it by
tests/toxiproxy/conformance. Where it differs, it does so on purpose:

- The end of one direction is passed on as a half-close, so an answer after it still arrives; the original closes
  both directions.
- reset_peer sends an RST also on connections that were open when it was added, and only on those that the toxicity
  hits.
- The toxicity of a connection is drawn when it starts or the toxic changes, not again when a neighbour in the chain
  comes or goes.
- A bandwidth below 0 stalls like 0, and slices never cross; the original crashes. An update that is refused changes
  nothing.
- Numbers of proxies, toxics and connections and the size of a request have generous bounds.
"""
