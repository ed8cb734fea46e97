"""One Kiln for the run, as good as new for each test; over its control API, so nothing beyond boto3 and pytest is needed."""

import json
import subprocess
import urllib.request

import boto3
import pytest


class Kiln:
    """A running Kiln and its control API."""

    def __init__(self, process):
        # It prints one JSON object when it is ready, and nothing when it cannot start: why is on standard error.
        started = []
        for line in process.stdout:
            started.append(line)
            if line == "}\n":
                break
        else:
            pytest.fail("kiln did not start")
        self.url = json.loads("".join(started))["url"]

    def control(self, method, path, body=None):
        """One request to the control API; the parsed answer, or None where there is none."""
        request = urllib.request.Request(
            f"{self.url}/_kiln/control/{path}",
            data=json.dumps(body or {}).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request) as response:
            text = response.read()
        return json.loads(text) if text else None

    def client(self, service, credentials=None):
        """A client of an AWS service: the root user's, or that of a session."""
        key = credentials or {"AccessKeyId": "test", "SecretAccessKey": "test"}
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
            aws_session_token=key.get("SessionToken"),
        )

    def role(self, name, *permissions):
        """Credentials of a role with these permissions."""
        def policy(*statements):
            return json.dumps({"Version": "2012-10-17", "Statement": statements})

        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]
        iam.put_role_policy(RoleName=name, PolicyName="permissions", PolicyDocument=policy(*permissions))
        return self.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]


@pytest.fixture(scope="session")
def kiln_process():
    command = ["kiln", "start", "--memory", "--control", "--port", "0", "-o", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Kiln(process)
        finally:
            process.terminate()


@pytest.fixture
def kiln(kiln_process):
    kiln_process.control("POST", "reset")
    return kiln_process


@pytest.fixture
def ssm(kiln):
    return kiln.client("ssm")
