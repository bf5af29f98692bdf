"""Steps that make the OpenAPI document good to read and to generate clients from; the routes stay what they are."""
