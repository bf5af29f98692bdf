"""Runs of the pipeline, the jobs in the hands of workers, the order of the queue, and totals of them all."""
