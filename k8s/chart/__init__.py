"""What writes and checks the chart, which holds none of it.

From the service's settings come values, schema, and the table that templates read; `dashboards` are a program's, too.
`checkers` pins the programs that `make chart` holds it to, and `kubernetes_schemas` makes what one of them reads.
"""
