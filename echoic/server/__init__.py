"""The long-lived processes: the server with its connections and its first start, workers, the processes of stages."""
