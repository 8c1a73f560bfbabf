-- The replicas of one release, for its cost: a service that was released a hundred times has hundreds.
CREATE INDEX replicas_by_release ON replicas (service, record ->> '$.spec.release');
