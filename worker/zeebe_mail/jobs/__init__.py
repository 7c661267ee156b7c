"""A job's way: activated job in, outcome out. Knows neither gRPC nor sockets."""
