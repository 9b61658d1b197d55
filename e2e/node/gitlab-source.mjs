// What a GitLab source in JavaScript does, with version 3 of the SDK: told that
// its action has started, it polls three times a second apart and then gives up.
// It does not look at what the acknowledgement answers. When something goes
// wrong it first abandons the execution and then reports a failure.
//
//   node gitlab-source.mjs [fail]      (the event comes as a line of JSON)
import {
  AcknowledgeJobCommand, CodePipelineClient, PollForJobsCommand, PutJobFailureResultCommand, PutJobSuccessResultCommand,
  StopPipelineExecutionCommand,
} from '@aws-sdk/client-codepipeline';
import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { createInterface } from 'node:readline';
import { pause, step } from './step.mjs';

const codepipeline = new CodePipelineClient({});
const fail = process.argv[2] === 'fail';

const { value: line } = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next();
const event = JSON.parse(line);
const pipelineName = event.resources[0].split(':')[5];
const { category, owner, provider, version } = event.detail.type;

let job;
for (let tries = 0; tries < 3 && !job; tries++) {
  if (tries > 0) await pause(1000);
  const answer = await codepipeline.send(new PollForJobsCommand({
    actionTypeId: { category, owner, provider, version: String(version) }, maxBatchSize: 1,
  }));
  job = answer.jobs[0];
  if (answer.jobs.length === 0) await step('empty');
}
if (!job) process.exit(0);

await codepipeline.send(new AcknowledgeJobCommand({ jobId: job.id, nonce: job.nonce }));
await step('acknowledged', job.id);
try {
  if (fail) throw new Error('the clone failed');
  const { artifactCredentials: c, outputArtifacts: [{ location: { s3Location } }] } = job.data;
  const cut = s3Location.objectKey.lastIndexOf('/');
  const [path, name] = [s3Location.objectKey.slice(0, cut), s3Location.objectKey.slice(cut + 1)];
  const s3 = new S3Client({
    forcePathStyle: true,
    credentials: { accessKeyId: c.accessKeyId, secretAccessKey: c.secretAccessKey, sessionToken: c.sessionToken },
  });
  // Two parts, as a repository of some size makes them.
  const body = Buffer.alloc(6 << 20, 'a commit of some size, ');
  await new Upload({ client: s3, params: { Bucket: s3Location.bucketName, Key: `${path}/${name}`, Body: body } }).done();
  await codepipeline.send(new PutJobSuccessResultCommand({
    jobId: job.id,
    currentRevision: { revision: '4711', changeIdentifier: 'GitLab', revisionSummary: 'a commit' },
    outputVariables: { CommitId: '0123abc', Branch: '', Size: String(body.length) },
    executionDetails: { externalExecutionId: '4711', percentComplete: 100, summary: 'cloned' },
  }));
  await step('succeeded');
} catch (e) {
  await step('trouble', e.message);
  await codepipeline.send(new StopPipelineExecutionCommand({
    pipelineName, pipelineExecutionId: event.detail['execution-id'], abandon: true, reason: e.message,
  }));
  try {
    await codepipeline.send(new PutJobFailureResultCommand({ jobId: job.id, failureDetails: { type: 'JobFailed', message: e.message } }));
    await step('failed');
  } catch (again) {
    await step('ignored', again.name);
  }
}
process.exit(0);
