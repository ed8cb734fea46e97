"""One Kiln for the run, as good as new for each test; over its control API, so nothing beyond boto3 and pytest is needed."""

import json
import subprocess
import urllib.request

import boto3
import pytest


class Kiln:
    """A running Kiln and its control API."""

    def __init__(self, process):
        self.process = process
        # Ready: it prints one JSON object, whose last line is its brace.
        started = "".join(iter(process.stdout.readline, "}\n")) + "}"
        self.url = json.loads(started)["url"]

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

    def client(self, service):
        """A client of an AWS service."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


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
