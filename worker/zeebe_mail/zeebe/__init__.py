"""The host: the only package that knows gRPC and pyzeebe."""
