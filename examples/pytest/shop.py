"""What is tested: settings of a shop, read from Parameter Store."""


def database_url(ssm):
    """The URL of the database."""
    answer = ssm.get_parameter(Name="/shop/database-url", WithDecryption=True)
    return answer["Parameter"]["Value"]


def discount(ssm):
    """Today's discount in percent; the parameter expires with the offer."""
    try:
        return int(ssm.get_parameter(Name="/shop/discount")["Parameter"]["Value"])
    except ssm.exceptions.ParameterNotFound:
        return 0
