"""Signatures per second of the AWS CLI's signer, over the request that Program.cs signs."""
import time

import awscli.botocore.session  # noqa: F401  (makes botocore known)
from botocore import auth, awsrequest, credentials

signer = auth.S3SigV4Auth(credentials.Credentials("AKIA", "secret", "token" * 160), "s3", "eu-west-1")
rates = []
for _ in range(5):
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < 1:
        request = awsrequest.AWSRequest(method="GET", url="https://bucket.s3.eu-west-1.amazonaws.com/some/long/key?list-type=2&prefix=some%2Fkey", data=b"")
        request.context["client_config"] = None
        signer.add_auth(request)
        count += 1
    rates.append(count / (time.perf_counter() - start))
print(round(sorted(rates)[2]))
