FROM public.ecr.aws/docker/library/python:3.12
