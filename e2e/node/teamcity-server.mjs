// What the server half of TeamCity's CodePipeline plugin does, with version 2 of
// the SDK: it looks its action type up in the first page of the list, polls for
// one job of its ActionID, acknowledges it and has an agent build it. Whatever
// goes wrong on the way is reported as a failure of the job, a refused
// acknowledgement too.
//
//   node teamcity-server.mjs ACTION-ID BUILD-ID
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import AWS from 'aws-sdk';
import { pause, step } from './step.mjs';

const [actionId, buildId] = process.argv.slice(2);
const codepipeline = new AWS.CodePipeline({ endpoint: process.env.AWS_ENDPOINT_URL, region: process.env.AWS_REGION });

async function job() {
  const { actionTypes } = await codepipeline.listActionTypes({ actionOwnerFilter: 'Custom' }).promise();
  const type = actionTypes.find((t) => t.id.provider === 'TeamCity');
  await step('type', type.id.category, type.id.version);
  for (;;) {
    const { jobs } = await codepipeline.pollForJobs({
      actionTypeId: type.id, maxBatchSize: 1, queryParam: { ActionID: actionId },
    }).promise();
    if (jobs.length > 0) return jobs[0];
    await pause(100);
  }
}

// The agent is another program with an identity of its own. It knows the id of
// the job and nothing else.
function agent(id) {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('teamcity-agent.mjs', import.meta.url)), id], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env, STOP_AT: '', AWS_ACCESS_KEY_ID: process.env.AGENT_ACCESS_KEY_ID,
        AWS_SECRET_ACCESS_KEY: process.env.AGENT_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN: process.env.AGENT_SESSION_TOKEN,
      },
    });
    child.on('exit', (code) => (code === 0 ? done() : failed(new Error(`the build ended with ${code}`))));
  });
}

const taken = await job();
await step('polled', taken.id);
try {
  const { status } = await codepipeline.acknowledgeJob({ jobId: taken.id, nonce: taken.nonce }).promise();
  await step('acknowledged', status);
  if (status === 'InProgress') {
    await agent(taken.id);
    await codepipeline.putJobSuccessResult({
      jobId: taken.id, executionDetails: { externalExecutionId: buildId, summary: 'Success', percentComplete: 100 },
    }).promise();
    await step('succeeded');
  }
} catch (e) {
  await step('refused', e.code);
  try {
    await codepipeline.putJobFailureResult({
      jobId: taken.id, failureDetails: { type: 'JobFailed', message: e.message, externalExecutionId: buildId },
    }).promise();
    await step('failed');
  } catch (again) {
    await step('ignored', again.code);
  }
}
process.exit(0);
