"""What AWS's sample of a custom action does: on each tick of a schedule it polls
for up to ten jobs, starts a build elsewhere for each new one and looks after the
builds whose names come back as continuation tokens. It does not look at what
the acknowledgement answers, and reports every exception as a failure.

    python3 custom_action.py PROVIDER JOBS
"""
import os
import sys
import time

import boto3
from botocore.exceptions import ClientError
from step import step

provider, jobs = sys.argv[1], int(sys.argv[2])
codepipeline = boto3.client("codepipeline", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
rounds = {}  # looks at each build


def start(job):
    name = "arn:aws:states:us-east-1:000000000000:execution:" + job["data"]["pipelineContext"]["action"]["actionExecutionId"] + ":"
    return name + "x" * (2048 - len(name))


def handle(job):
    codepipeline.acknowledge_job(jobId=job["id"], nonce=job["nonce"])
    step("acknowledged", job["id"])
    if "continuationToken" not in job["data"]:
        build = start(job)
        codepipeline.put_job_success_result(
            jobId=job["id"], continuationToken=build,
            executionDetails={"summary": "Starting", "externalExecutionId": build[:1500], "percentComplete": 0},
        )
        return "started"
    build = job["data"]["continuationToken"]
    rounds[build] = rounds.get(build, 0) + 1
    if rounds[build] < 3:
        codepipeline.put_job_success_result(jobId=job["id"], continuationToken=build)
        return "running"
    codepipeline.put_job_success_result(
        jobId=job["id"], executionDetails={"summary": "Finished", "percentComplete": 100}, outputVariables={"Build": "done"}
    )
    return "succeeded"


ended = 0
while ended < jobs:
    answer = codepipeline.poll_for_jobs(
        actionTypeId={"category": "Build", "owner": "Custom", "provider": provider, "version": "1"}, maxBatchSize=10
    )
    for job in answer["jobs"]:
        step("polled", job["id"])
        try:
            outcome = handle(job)
        except Exception as e:
            step("refused", e.response["Error"]["Code"])
            try:
                codepipeline.put_job_failure_result(
                    jobId=job["id"], failureDetails={"type": "JobFailed", "message": "Function exception: " + str(e)}
                )
                outcome = "failed"
            except ClientError as again:
                step("ignored", again.response["Error"]["Code"])
                outcome = "ignored"
        step(outcome)
        ended += outcome in ("succeeded", "failed", "ignored")
    time.sleep(0.05)
