import json
from datetime import datetime, timedelta, timezone

import pytest
from botocore.exceptions import ClientError
from shop import database_url, discount


def test_reads_the_secret(ssm):
    value = "postgres://shop:s3cret@db/shop"
    ssm.put_parameter(Name="/shop/database-url", Value=value, Type="SecureString")
    assert database_url(ssm) == value


def test_tells_when_it_is_not_there(ssm):
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        database_url(ssm)


def test_survives_throttling(kiln, ssm):
    ssm.put_parameter(Name="/shop/database-url", Value="postgres://db", Type="String")
    fault = {"service": "ssm", "operation": "GetParameter", "kind": "throttle", "times": 2}
    kiln.control("POST", "faults", fault)
    assert database_url(ssm) == "postgres://db"
    assert kiln.control("GET", "faults")["faults"][0]["hits"] == 2


def test_the_discount_ends_with_the_offer(kiln, ssm):
    end = datetime.now(timezone.utc) + timedelta(days=30)
    attributes = {"Timestamp": end.strftime("%Y-%m-%dT%H:%M:%S.000Z")}
    policies = json.dumps([{"Type": "Expiration", "Version": "1.0", "Attributes": attributes}])
    ssm.put_parameter(Name="/shop/discount", Value="20", Type="String", Tier="Advanced", Policies=policies)
    assert discount(ssm) == 20
    kiln.control("POST", "clock", {"advance": "31d"})
    assert discount(ssm) == 0


def test_a_role_reads_what_its_policy_allows_and_nothing_else(kiln, ssm):
    ssm.put_parameter(Name="/shop/database-url", Value="postgres://db", Type="String")
    discount_only = "arn:aws:ssm:*:*:parameter/shop/discount"
    worker = kiln.role("worker", {"Effect": "Allow", "Action": "ssm:GetParameter", "Resource": discount_only})
    worker_ssm = kiln.client("ssm", worker)
    with pytest.raises(ClientError, match="is not authorized to perform: ssm:GetParameter"):
        database_url(worker_ssm)
    assert discount(worker_ssm) == 0
