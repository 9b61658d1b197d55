"""What AWS's sample of a source for other Git hosts does: told that its action
has started, it polls up to ten times for one job of the pipeline, takes the parts
of the output's key, the encryption key and the credentials for granted, and
reports the commit. When the acknowledgement fails it abandons the execution.

    python3 git_source.py PIPELINE ARCHIVE
"""
import os
import sys
import time

import boto3
from step import step

pipeline = sys.argv[1]
codepipeline = boto3.client("codepipeline", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
kind = {"category": "Source", "owner": "Custom", "provider": "CustomSourceForGit", "version": "1"}

for _ in range(10):
    jobs = codepipeline.poll_for_jobs(actionTypeId=kind, maxBatchSize=1, queryParam={"PipelineName": pipeline})["jobs"]
    if jobs:
        break
    time.sleep(0.5)
job = jobs[0]
step("polled", job["id"])
try:
    codepipeline.acknowledge_job(jobId=job["id"], nonce=job["nonce"])
except Exception as e:
    step("refused", e.response["Error"]["Code"])
    codepipeline.stop_pipeline_execution(
        pipelineName=pipeline, pipelineExecutionId=job["data"]["pipelineContext"]["pipelineExecutionId"], abandon=True, reason="acknowledge failed"
    )
    step("stopped")
    sys.exit(0)
step("acknowledged", job["id"])

data = job["data"]
place = data["outputArtifacts"][0]["location"]["s3Location"]
prefix, artifact, name = place["objectKey"].split("/")
credentials = data["artifactCredentials"]
s3 = boto3.client(
    "s3",
    endpoint_url=os.environ["AWS_ENDPOINT_URL"],
    aws_access_key_id=credentials["accessKeyId"],
    aws_secret_access_key=credentials["secretAccessKey"],
    aws_session_token=credentials["sessionToken"],
)
s3.upload_file(
    sys.argv[2], place["bucketName"], "/".join([prefix, artifact, name]),
    ExtraArgs={"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": data["encryptionKey"]["id"]},
)
step("uploaded", name)
codepipeline.put_job_success_result(
    jobId=job["id"],
    currentRevision={"revision": "Git Commit Id:0123abc", "changeIdentifier": kind["provider"], "revisionSummary": "a commit"},
    outputVariables={"commit_id": "0123abc", "commit_message": "a commit", "branch": data["actionConfiguration"]["configuration"]["Branch"]},
)
step("succeeded")
