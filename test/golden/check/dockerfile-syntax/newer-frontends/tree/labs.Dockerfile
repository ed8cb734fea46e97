# syntax=docker/dockerfile:1-labs
FROM public.ecr.aws/x/y
ADD --unknown-flag=1 a b
