"""A LiteLLM proxy hook that enforces firstfive's controls at the gateway, with no agent code.

In the proxy's configuration::

    litellm_settings:
      callbacks: firstfive_litellm.hook.proxy
"""
