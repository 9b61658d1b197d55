"""A function of a Lambda action. It asks to be called again, and the second time
makes its output artifact out of its input. Its parameters name a file that gets
a line with the job's id for each call; with "hang" the very first call does not
come to an end."""

import json
import os
import signal
import sys

import boto3


def main(event):
    job = event["CodePipeline.job"]
    data = job["data"]
    parameters = json.loads(data["actionConfiguration"]["configuration"]["UserParameters"])
    with open(parameters["calls"], "a+") as calls:
        calls.seek(0)
        first = calls.read() == ""
        calls.write(job["id"] + "\n")
    if first and parameters.get("hang"):
        signal.pause()
    pipelines = boto3.client("codepipeline", endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    if "continuationToken" not in data:
        pipelines.put_job_success_result(
            jobId=job["id"],
            continuationToken=json.dumps({"step": 2}),
            executionDetails={"summary": "halfway", "externalExecutionId": "run-1", "percentComplete": 50},
        )
        return
    if json.loads(data["continuationToken"]) != {"step": 2}:
        raise ValueError(data["continuationToken"])
    keys = data["artifactCredentials"]
    s3 = boto3.client(
        "s3",
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
        aws_session_token=keys["sessionToken"],
    )
    at, to = (a["location"]["s3Location"] for a in data["inputArtifacts"] + data["outputArtifacts"])
    text = s3.get_object(Bucket=at["bucketName"], Key=at["objectKey"])["Body"].read()
    s3.put_object(Bucket=to["bucketName"], Key=to["objectKey"], Body=text.upper())
    print("made", len(text), "bytes for", os.environ["AWS_LAMBDA_FUNCTION_NAME"])
    pipelines.put_job_success_result(jobId=job["id"], outputVariables={"name": "made.txt"})


main(json.load(sys.stdin))
