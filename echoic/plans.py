"""Plans: what an account may do. Pure."""

from echoic.errors import SettingInvalid

MB = 1_048_576

# A plan's cap on one file in MB; None leaves it to the dataset.
MAX_UPLOAD_MB: dict[str, int | None] = {"free": 200, "unlimited": None}


def max_upload_bytes(plan: str, *, dataset_max_mb: int) -> int:
    """The cap on one file: the smaller of the dataset's and the plan's. 1 MB is 1,048,576 bytes, the generous reading.

    Raises:
        SettingInvalid: nobody knows this plan.
    """
    if plan not in MAX_UPLOAD_MB:
        raise SettingInvalid(f"There is no plan '{plan}'; the plans are {', '.join(sorted(MAX_UPLOAD_MB))}.")
    plan_max_mb = MAX_UPLOAD_MB[plan]
    return MB * (dataset_max_mb if plan_max_mb is None else min(dataset_max_mb, plan_max_mb))
