// What TeamCity's build agent does: it asks for the job at the start of the
// build, saves each input under the name in its key's second part, and asks
// again just before it uploads, as the first credentials may be hours old.
//
//   node teamcity-agent.mjs JOB-ID
import AWS from 'aws-sdk';
import { step } from './step.mjs';

const endpoint = process.env.AWS_ENDPOINT_URL;
const region = process.env.AWS_REGION;
const codepipeline = new AWS.CodePipeline({ endpoint, region });

async function details() {
  const { jobDetails } = await codepipeline.getJobDetails({ jobId: process.argv[2] }).promise();
  const { accessKeyId, secretAccessKey, sessionToken } = jobDetails.data.artifactCredentials;
  const s3 = new AWS.S3({ endpoint, region, s3ForcePathStyle: true, credentials: new AWS.Credentials(accessKeyId, secretAccessKey, sessionToken) });
  return { data: jobDetails.data, s3, token: sessionToken };
}

const place = ({ location: { s3Location } }) => ({ Bucket: s3Location.bucketName, Key: s3Location.objectKey });
const fileName = (artifact) => place(artifact).Key.split('/')[1];

const first = await details();
const files = new Map();
for (const input of first.data.inputArtifacts) {
  const object = await first.s3.getObject(place(input)).promise();
  files.set(fileName(input), object.Body);
  await step('input', fileName(input), object.Body.length);
}
const later = await details();
if (later.token === first.token) throw new Error('the same credentials came twice');
for (const output of later.data.outputArtifacts) {
  await later.s3.upload({
    ...place(output), Body: files.get('Source'), ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: later.data.encryptionKey?.id,
  }).promise();
  await step('output', fileName(output));
}
